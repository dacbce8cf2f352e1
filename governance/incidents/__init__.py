"""The register of personal-data breaches (Art. 33, 34) and their clocks.

What must stay true: every breach is documented, notified or not (Art. 33(5)), and no row of it is ever deleted; the
clock starts when we become aware and its length is stored with the breach, so that a later change of the setting
moves no deadline; a notice after the deadline has reasons (Art. 33(1)); a number of affected people comes with the
query that produced it; each step is one row of an append-only history and one entry of the log, in the same
transaction.

Descriptions are about what happened, not about whom: a text that looks like it names somebody is refused.
"""
