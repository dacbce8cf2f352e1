"""What detection says: kinds of personal data, and one finding."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    """A kind of personal data in a text. Its value is what ``redact`` writes between angle brackets."""

    PERSON = "PERSON"
    EMAIL = "EMAIL"
    PHONE = "PHONE"
    ADDRESS = "ADDRESS"
    LOCATION = "LOCATION"
    DATE_TIME = "DATE_TIME"
    NRP = "NRP"  # nationality, religious or political group: often a special category (Art. 9)
    URL = "URL"
    IP_ADDRESS = "IP_ADDRESS"
    MAC_ADDRESS = "MAC_ADDRESS"
    UUID = "UUID"
    CREDIT_CARD = "CREDIT_CARD"
    IBAN = "IBAN"
    CRYPTO = "CRYPTO"
    PL_PESEL = "PL_PESEL"
    PL_NIP = "PL_NIP"
    PL_REGON = "PL_REGON"
    PL_ID_CARD = "PL_ID_CARD"
    PL_PASSPORT = "PL_PASSPORT"
    LICENSE_PLATE = "LICENSE_PLATE"
    DE_TAX_ID = "DE_TAX_ID"
    DE_SOCIAL_SECURITY = "DE_SOCIAL_SECURITY"
    DE_ID_CARD = "DE_ID_CARD"
    DE_PASSPORT = "DE_PASSPORT"
    DE_VAT_ID = "DE_VAT_ID"
    RU_INN = "RU_INN"
    RU_SNILS = "RU_SNILS"
    RU_PASSPORT = "RU_PASSPORT"
    RU_OGRN = "RU_OGRN"
    US_SSN = "US_SSN"
    US_ITIN = "US_ITIN"
    US_PASSPORT = "US_PASSPORT"
    US_DRIVER_LICENSE = "US_DRIVER_LICENSE"
    US_BANK_NUMBER = "US_BANK_NUMBER"
    MEDICAL_LICENSE = "MEDICAL_LICENSE"
    UK_NHS = "UK_NHS"
    # Of more countries, each behind a word that says what it is; named as Presidio names them.
    ABA_ROUTING_NUMBER = "ABA_ROUTING_NUMBER"
    AU_ABN = "AU_ABN"
    AU_ACN = "AU_ACN"
    AU_MEDICARE = "AU_MEDICARE"
    AU_TFN = "AU_TFN"
    CA_POSTAL_CODE = "CA_POSTAL_CODE"
    CA_SIN = "CA_SIN"
    DE_BSNR = "DE_BSNR"
    DE_FUEHRERSCHEIN = "DE_FUEHRERSCHEIN"
    DE_HANDELSREGISTER = "DE_HANDELSREGISTER"
    DE_HEALTH_INSURANCE = "DE_HEALTH_INSURANCE"
    DE_LANR = "DE_LANR"
    DE_TAX_NUMBER = "DE_TAX_NUMBER"
    ES_NIE = "ES_NIE"
    ES_NIF = "ES_NIF"
    ES_PASSPORT = "ES_PASSPORT"
    FI_PERSONAL_IDENTITY_CODE = "FI_PERSONAL_IDENTITY_CODE"
    IN_AADHAAR = "IN_AADHAAR"
    IN_GSTIN = "IN_GSTIN"
    IN_PAN = "IN_PAN"
    IN_PASSPORT = "IN_PASSPORT"
    IN_VEHICLE_REGISTRATION = "IN_VEHICLE_REGISTRATION"
    IN_VOTER = "IN_VOTER"
    IT_DRIVER_LICENSE = "IT_DRIVER_LICENSE"
    IT_FISCAL_CODE = "IT_FISCAL_CODE"
    IT_IDENTITY_CARD = "IT_IDENTITY_CARD"
    IT_PASSPORT = "IT_PASSPORT"
    IT_VAT_CODE = "IT_VAT_CODE"
    KR_BRN = "KR_BRN"
    KR_DRIVER_LICENSE = "KR_DRIVER_LICENSE"
    KR_FRN = "KR_FRN"
    KR_PASSPORT = "KR_PASSPORT"
    KR_RRN = "KR_RRN"
    NG_NIN = "NG_NIN"
    NG_VEHICLE_REGISTRATION = "NG_VEHICLE_REGISTRATION"
    PH_PASSPORT = "PH_PASSPORT"
    PH_TIN = "PH_TIN"
    PH_UMID = "PH_UMID"
    SE_ORGANISATIONSNUMMER = "SE_ORGANISATIONSNUMMER"
    SE_PERSONNUMMER = "SE_PERSONNUMMER"
    SG_NRIC_FIN = "SG_NRIC_FIN"
    SG_UEN = "SG_UEN"
    TH_TNIN = "TH_TNIN"
    TR_LICENSE_PLATE = "TR_LICENSE_PLATE"
    TR_NATIONAL_ID = "TR_NATIONAL_ID"
    UK_DRIVING_LICENCE = "UK_DRIVING_LICENCE"
    UK_NINO = "UK_NINO"
    UK_PASSPORT = "UK_PASSPORT"
    UK_POSTCODE = "UK_POSTCODE"
    UK_VEHICLE_REGISTRATION = "UK_VEHICLE_REGISTRATION"
    US_CLAIM_NUMBER = "US_CLAIM_NUMBER"
    US_HEALTH_INSURANCE_MEMBER_ID = "US_HEALTH_INSURANCE_MEMBER_ID"
    US_MBI = "US_MBI"
    US_NPI = "US_NPI"
    US_PRESCRIPTION_NUMBER = "US_PRESCRIPTION_NUMBER"
    US_PRIOR_AUTHORIZATION_NUMBER = "US_PRIOR_AUTHORIZATION_NUMBER"
    US_PROVIDER_TAX_ID = "US_PROVIDER_TAX_ID"
    US_REFERRAL_NUMBER = "US_REFERRAL_NUMBER"
    ZA_COMPANY_REGISTRATION = "ZA_COMPANY_REGISTRATION"
    ZA_DRIVER_LICENSE = "ZA_DRIVER_LICENSE"
    ZA_ID_NUMBER = "ZA_ID_NUMBER"
    ZA_INCOME_TAX_NUMBER = "ZA_INCOME_TAX_NUMBER"
    ZA_LICENSE_PLATE = "ZA_LICENSE_PLATE"
    ZA_PASSPORT = "ZA_PASSPORT"
    ZA_TRAFFIC_REGISTER_NUMBER = "ZA_TRAFFIC_REGISTER_NUMBER"
    ZA_VAT_NUMBER = "ZA_VAT_NUMBER"
    QUARANTINED = "QUARANTINED"  # not examined to the end (too long, or out of time): the whole text must not pass


DIRECT = frozenset(Kind) - {Kind.LOCATION, Kind.DATE_TIME, Kind.NRP}
"""Kinds that point at one person or household by themselves; the others do so together."""


@dataclass(frozen=True, slots=True)
class Finding:
    """``text[start:end]`` looks like personal data of a kind.

    ``score``: 1 where a check digit or registry confirms it, about 0.85 for a language model or a full pattern,
    0.4 to 0.7 for a shape with a word near it that says what it is. What scores less than 0.4 is not reported.
    """

    kind: Kind
    start: int
    end: int
    score: float


class LanguageNotSupported(ValueError):
    """There are no recognizers for this language; a text in it must not pass unexamined."""

    def __init__(self, language: str) -> None:
        self.language = language
        super().__init__(f"no recognizers for language {language!r}")


class OutOfTime(Exception):
    """A text took longer than its budget: it is quarantined."""
