"""Models: trained on pseudonymised rows with a time split, calibrated, compiled to tables, registered.

A production model is a sum of table look-ups, so that the reason of a decision is its computation. A model is loaded from its tables alone
(numbers, no pickled code), replays bit for bit, and refuses to serve when its AI system has been stopped.
"""
