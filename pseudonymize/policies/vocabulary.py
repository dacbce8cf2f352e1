"""The words that a policy may use where the list is not in its own structure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from pseudonymize.detection import LANGUAGES, Kind
from pseudonymize.identity import IdentifierKind
from pseudonymize.transforms.canonical import FORMS, REGIONAL
from pseudonymize.transforms.synthetic import LANGUAGES as STAND_IN_LANGUAGES
from pseudonymize.transforms.synthetic import Stand

CANONICALISERS = tuple(FORMS)
GENERALISATION = (
    r"[1-9]\d{0,2}y|year|quarter|month|week|prefix[1-9]\d?|ip\d{1,2}|geo[0-4]|hierarchy|\d{1,9}(\.\d{1,6})?"
)
KINDS = tuple(kind.value for kind in Kind if kind is not Kind.QUARANTINED)
STAND_INS = tuple(stand.value for stand in Stand)
ALIASES: Mapping[str, tuple[str, ...]] = {
    "ID": tuple(kind for kind in KINDS if (kind[2] == "_" and kind != "IP_ADDRESS") or kind == "MEDICAL_LICENSE"),
    "FINANCIAL": tuple(kind for kind in KINDS if kind in {"CREDIT_CARD", "IBAN", "CRYPTO", "US_BANK_NUMBER"}),
}
"""Words for several kinds at once."""
IDENTIFIED_BY: Mapping[str, IdentifierKind] = {
    "email": IdentifierKind.EMAIL,
    "phone": IdentifierKind.PHONE,
    "e164": IdentifierKind.PHONE,
    "customer_id": IdentifierKind.CUSTOMER_ID,
    "id": IdentifierKind.CUSTOMER_ID,
    "national_id": IdentifierKind.NATIONAL_ID,
    "pesel": IdentifierKind.NATIONAL_ID,
    "ssn": IdentifierKind.NATIONAL_ID,
}
"""What kind of identifier of the vault a canonical form is of."""


@dataclass(frozen=True, slots=True)
class Profile:
    """How well detection has to find persons in a language (`detection_profiles.py`)."""

    language: str
    least_f2: float


PROFILES: Mapping[str, Profile] = {
    "en-core": Profile("en", 0.80),
    "pl-core": Profile("pl", 0.95),
    "de-core": Profile("de", 0.85),
    "ru-core": Profile("ru", 0.89),
}
"""What `min_f2_profile` may name."""

__all__ = [
    "ALIASES",
    "CANONICALISERS",
    "GENERALISATION",
    "IDENTIFIED_BY",
    "KINDS",
    "LANGUAGES",
    "PROFILES",
    "REGIONAL",
    "STAND_INS",
    "STAND_IN_LANGUAGES",
    "Profile",
]
