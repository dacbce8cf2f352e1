"""Requests of data subjects (GDPR Art. 15-22 and 7(3)): clocks, identity checks, plans, execution, certificates.

Owns: the request and its statuses, the legal clock, the proportionate identity check, the immutable plan of an
erasure, its steps, the independent re-scan and the signed certificate.

What must stay true:

* One table of transitions (:mod:`dsar.states`), one function that applies it (:func:`dsar.transitions.move`); every
  transition is an entry of the audit log in the same transaction.
* Tombstone first: the person is suppressed and restricted before anything is located, and the vault is forgotten last.
* A plan names every table that may hold the person; a table nobody answers for makes planning refuse.
* A step is idempotent and is marked in the transaction of its effect: killing the worker anywhere changes nothing.
* No request completes while an independent scan still finds the person in a row that no ground covers.
* The certificate is verifiable with the public key alone, and holds no personal data.

Personal data of other packages is reached only through :mod:`governance.kernel.personal_data`.
"""
