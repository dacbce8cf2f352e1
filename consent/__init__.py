"""Notices as they were shown, the ledger of consent events, the state it folds to, the gate that everything passes, receipts.

What must stay true:
- the ledger is append-only; the state is its fold, and can be rebuilt from it at any time;
- late and out-of-order events fold towards the restrictive: whoever withdrew is never allowed again by what was said before;
- a withdrawal needs no token, no login and no reason, and nothing is claimed for it once it has committed;
- one person and a million get the same answer from the gate, with a reason, and an unknown purpose or channel is an error.

    from consent import gate, ledger, notices, receipts
"""
