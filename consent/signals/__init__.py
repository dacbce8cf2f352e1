"""What outside systems say and hear about a person's choices: TC strings, GPP strings, Global Privacy Control, Google Consent Mode.

What must stay true:
- reading a signal never raises anything but `SignalMalformed`, in time bounded by its length, whatever bytes arrive;
- what is written reads back the same, and what the reference implementations write is read bit by bit;
- a signal is evidence: the ledger keeps it as it came, sealed, beside what it was taken to mean;
- a signal that says no counts at once; one that says yes counts only with the notice that the person saw.

`bits`, `tcf`, `tcf_rules`, `vendors`, `gpp`, `sections`, `gpc`, `google` and `meaning` import neither Django nor the database:
they can be used alone. `recording` writes to the ledger.
"""
