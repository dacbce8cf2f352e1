"""Pseudonymisation: personal data leaves its identity behind before a model, an analyst or a partner sees it.

Owns the identity vault (data subjects, their identifiers, a key per person), key management, the policies that turn a table
into one a model may see, the manifests that say what was done, and re-identification under dual control.

What must stay true:
- an identifier is readable only through `vault.read`, which leaves an access entry in the log;
- destroying a subject's key makes every copy of their ciphertext unreadable, and the next import does not bring them back;
- two pseudonymisation domains have different keys, so their tokens cannot be joined (Art. 4(5), EDPB Guidelines 01/2025);
- data leaves a run only when every column was covered by the policy and the gates of the policy passed.

`transforms/` knows neither Django nor the database: Spark executors run it alone.
"""
