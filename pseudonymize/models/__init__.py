"""Tables of the vault, of the keys, of the policies and of what ran. No verbs: those are in the modules beside."""

from pseudonymize.models.crossings import (
    JoinGrant,
    JoinGrantApproval,
    JoinGrantUse,
    Reveal,
    RevealApproval,
    RevealedSubject,
    RevealLevel,
    RevealRequest,
)
from pseudonymize.models.domains import Domain, Manifest, PolicyVersion, VaultToken
from pseudonymize.models.keys import KeyEncryptionKey, KeyStatus, KeyUsage, MasterKey, SubjectKey
from pseudonymize.models.vault import DataSubject, SubjectIdentifier, Suppression, SuppressionKey, SuppressionScope
from pseudonymize.models.work import FileJob, Remap, WorkState

__all__ = [
    "DataSubject",
    "Domain",
    "FileJob",
    "JoinGrant",
    "JoinGrantApproval",
    "JoinGrantUse",
    "KeyEncryptionKey",
    "KeyStatus",
    "KeyUsage",
    "Manifest",
    "MasterKey",
    "PolicyVersion",
    "Remap",
    "Reveal",
    "RevealApproval",
    "RevealLevel",
    "RevealRequest",
    "RevealedSubject",
    "SubjectIdentifier",
    "SubjectKey",
    "Suppression",
    "SuppressionKey",
    "SuppressionScope",
    "VaultToken",
    "WorkState",
]
