"""The identity vault: who the data subjects are. Everybody else knows them by an opaque id.

Identifiers are encrypted under a key per subject and found by a keyed blind index (design: security.md 4.2-4.8).
"""

from pseudonymize.identity import INDEXED_KINDS, IdentifierKind, Identity
from pseudonymize.models import SuppressionScope
from pseudonymize.vault.enrolment import Enrolment, enrol
from pseudonymize.vault.forgetting import Forgotten, forget
from pseudonymize.vault.lookup import erased_among, find_subject, resolve
from pseudonymize.vault.reading import read, read_all
from pseudonymize.vault.rectification import rectify
from pseudonymize.vault.sealing import open_for, open_many, seal_for, seal_many
from pseudonymize.vault.suppression import is_suppressed, lift_suppression, suppress

__all__ = [
    "INDEXED_KINDS",
    "Enrolment",
    "Forgotten",
    "IdentifierKind",
    "Identity",
    "SuppressionScope",
    "enrol",
    "erased_among",
    "find_subject",
    "forget",
    "is_suppressed",
    "lift_suppression",
    "open_for",
    "open_many",
    "read",
    "read_all",
    "rectify",
    "resolve",
    "seal_for",
    "seal_many",
    "suppress",
]
