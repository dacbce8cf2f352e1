"""The one append-only log of the house, and the records of automated decisions.

Owns: log entries and their Merkle tree (RFC 9162), signed checkpoints (C2SP signed notes), proofs, bundles for outsiders, the
offline verifier, the capture of configuration changes, decision records with their reasons and reviews (Art. 22 GDPR).

What must stay true:

* An entry is written in the transaction of the change that it records: both are there, or neither is.
* Nothing personal lies under the tree. An entry commits to its subject by a salted tag; the link from entry to subject lives in
  a side table that erasure empties, so that the log still verifies when nobody can tell any more whom it was about.
* Entries are numbered without gaps by one sequencer, and no checkpoint is signed that does not extend the one before.
* Whoever holds an exported bundle and the public key verifies the log with ``audit/verify.py`` alone, without trusting us.

Where what is:

* writing: ``log`` (emit, emit_many), ``entries`` (the bytes that are hashed), ``capture`` and ``acting`` (configuration changes)
* the tree: ``merkle``, ``tiles``, ``tree``, ``sequencer``, ``checkpoints``, ``notes``, ``keys``, ``anchors``
* proving: ``verification`` (from the database; ``rows``, ``evidence``, ``diagnosis``), ``receipts``, ``bundles``, ``verify`` (alone)
* decisions: ``decisions``, ``decision_records``, ``reasons``, ``wording``, ``reviews``
* people's rights: ``sources``, ``tombstones``, ``erasable``; outsiders: ``public``; services: ``api``; staff: ``admin``

``merkle.py``, ``tiles.py`` and ``verify.py`` import neither Django nor the ORM.
"""
