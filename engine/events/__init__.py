"""Events: what people did, accepted once each, by id.

Owns the event table, the schema of each kind of event, the batches that events came in, and the quarantine of rows that do not fit.
What must stay true: an accepted event is there exactly once, however often it is sent and whoever sends it at the same time; a row
that is not accepted is accounted for, as a duplicate, in the quarantine or refused; events of an erased person do not come back.
"""
