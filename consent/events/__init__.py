"""Events of the ledger as rows: their order for each person, their bytes, evidence and commitments, and the state they fold to."""
