"""Published vectors: what the specifications print and what the reference implementations write is read, and written, bit by bit."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from consent.signals import gpp, sections, tcf
from consent.signals.bits import Ids, Reader, Writer
from consent.signals.sections import UsPrivacy, UsSection
from consent.signals.tcf import PublisherTC, Restriction, RestrictionType

VECTORS = json.loads((Path(__file__).parent / "vectors" / "signals.json").read_text("utf-8"))


def field(bits: list[bool]) -> Ids:
    return Ids.of(place for place, bit in enumerate(bits, 1) if bit)


def instant(text: str) -> datetime:
    return datetime.fromisoformat(text)


def restrictions(said: list[list[Any]]) -> tuple[Restriction, ...]:
    return tuple(Restriction(purpose, RestrictionType(kind), Ids.of(vendors)) for purpose, kind, vendors in said)


def snake(name: str) -> str:
    return re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()


# The table in "Global Privacy Platform String", section "About Fibonacci Encoding".
@pytest.mark.parametrize(
    ("number", "code"),
    [(1, "11"), (2, "011"), (3, "0011"), (4, "1011"), (5, "00011"), (6, "10011"), (7, "01011")],
)
def test_fibonacci_codes_are_those_of_the_specification(number: int, code: str) -> None:
    bits = code.ljust(6, "0")
    assert Writer().fibonacci(number).text() == Writer().integer(int(bits, 2), 6).text()
    assert Reader(Writer().fibonacci(number).text()).fibonacci() == number


# The header examples of the same document; the reference implementation pads them to whole bytes.
@pytest.mark.parametrize(
    ("header", "listed", "written"),
    [("DBABM", [2], "DBABMA"), ("DBACNY", [2, 6], "DBACNYA"), ("DBABjw", [5, 6], "DBABjw"), ("DBAA", [], "DBAA")],
)
def test_gpp_headers_are_those_of_the_specification(header: str, listed: list[int], written: str) -> None:
    bodies = {
        2: "CPXxRfAPXxRfAAfKABENB-CgAAAAAAAAAAYgAAAAAAAA",
        5: "CPXxGfAPXxGfAAfKABENB-CgAAAAAAAAAAYgAAAAAAAA",
        6: "1YNN",
    }
    text = "~".join([header, *(bodies[one] for one in listed)])
    read = gpp.decode(text)
    assert list(read) == listed
    assert gpp.encode(read) == text.replace(header, written, 1)


def test_the_us_privacy_string_is_read_and_written() -> None:
    assert gpp.decode("DBABTA~1YNN") == {6: UsPrivacy("Y", "N", "N")}
    assert gpp.encode({6: UsPrivacy("Y", "N", "N")}) == "DBABTA~1YNN"


# "Consent string and vendor list formats v2", section on URL-based services.
def test_the_tc_string_of_the_specification_is_read() -> None:
    text = (
        "COvFyGBOvFyGBAbAAAENAPCAAOAAAAAAAAAAAEEUACCKAAA.IFoEUQQgAIQwgIwQABAEAAAAOIAACAIAAAAQAIAgEAACEAAAAAgAQBAAAAAAAGBAAgA"
        "AAAAAAFAAECAAAgAAQARAEQAAAAAJAAIAAgAAAYQEAAAQmAgBC3ZAYzUw"
    )
    tc = tcf.decode(text)
    assert (tc.cmp_id, tc.cmp_version, tc.consent_screen, tc.language) == (27, 0, 0, "EN")
    assert (tc.vendor_list_version, tc.policy_version, tc.service_specific) == (15, 2, False)
    assert list(tc.purposes_consent) == [1, 2, 3]
    assert list(tc.vendors_consent) == [2, 6, 8]
    assert list(tc.vendors_legitimate_interest) == [2, 6, 8]
    assert tc.created == tc.updated == datetime(2020, 2, 20, 23, 57, 39, 300_000, tzinfo=UTC)
    assert tc.disclosed is not None
    assert len(tc.disclosed) == 79
    assert tcf.decode(tcf.encode(tc)) == tc


# modules/cmpapi/test/encoder/section/TcfEuV2.test.ts of github.com/IABTechLab/iabgpp-es.
def test_strings_from_the_tests_of_the_reference_implementation_are_read() -> None:
    vendors = (
        "GLtV_T9fb2vj-_Z99_tkeYwf95y3p-wzhheMs-8NyZeH_B4Wv2MyvBX4JiQKGRgksjLBAQdtHGlcTQgBwIlViTLMYk2MjzNKJrJEilsbO2dYGD9Pn8HT3ZCY70-"
        "vv__7v3ff_3g"
    )
    tc = tcf.decode(f"CPcqBNJPcqBNJNwAAAENAwCAAAAAAAAAAAAAAAAAAAAA.YAAAAAAAAAA.Q{vendors}.I{vendors}")
    assert (tc.cmp_id, tc.vendor_list_version, tc.policy_version) == (880, 48, 2)
    for listed in (tc.allowed, tc.disclosed):
        assert listed is not None
        assert len(listed) == 434
        assert list(listed)[:10] == [1, 2, 4, 6, 8, 10, 11, 12, 13, 14]
        assert list(listed)[-9:] == [782, 783, 784, 785, 786, 788, 789, 790, 791]
    assert tc.publisher == PublisherTC()
    served = tcf.decode("CPSG_8APSG_8AAAAAAENAACgAAAAAAAAAAAAAAAAAAAA.YAAAAAAAAAAA")
    assert served.created == datetime(2022, 1, 1, tzinfo=UTC)
    assert served.service_specific
    assert tcf.encode(served) == "CPSG_8APSG_8AAAAAAENAACgAAAAAAAAAAAAAAAAAAAA.YAAAAAAAAAAA"


# GppModelTest.java of github.com/IABTechLab/iabgpp-java. It orders segments and weighs ranges against fields in its own way, so that these
# are read and not written alike.
def test_strings_from_the_tests_of_the_java_implementation_are_read() -> None:
    read = gpp.decode(
        "DBACOeA~CPSG_8APSG_8ANwAAAENAwCAAAAAAAAAAAAAAAAAAAAA.QAAA.IAAA~BPSG_8APSG_8AAyACAENGdCgf_gfgAfgfgBgABABAAABAB4AACACAAA"
        ".fHHHA4444ao~1YNN"
    )
    assert list(read) == [2, 5, 6]
    european, canadian = read[2], read[5]
    assert isinstance(european, tcf.TCString)
    assert (european.cmp_id, european.vendor_list_version, european.allowed, european.disclosed) == (
        880,
        48,
        Ids(),
        Ids(),
    )
    assert isinstance(canadian, sections.TcfCanada)
    assert (canadian.cmp_id, canadian.cmp_version, canadian.vendor_list_version) == (50, 2, 413)
    assert list(canadian.special_features) == [7, 8, 9, 10, 11, 12]
    assert list(canadian.purposes_express) == [1, 2, 3, 4, 5, 6, 13, 14, 15, 16, 17, 18]
    assert (list(canadian.vendors_express), list(canadian.vendors_implied)) == ([12, 24, 48], [18, 30])
    assert (canadian.custom_purposes, list(canadian.custom_express), list(canadian.custom_implied)) == (3, [2], [1, 3])
    assert gpp.decode(gpp.encode(read)) == read


def test_a_string_with_a_section_of_every_kind_is_read_and_its_us_sections_are_written_alike() -> None:
    text = (
        "DBACOdM~CPSG_8APSG_8AAAAAAENAACAAAAAAAAAAAAAAAAAAAAA.QAAA.IAAA~BPSG_8APSG_8AAAAAAENAACAAAAAAAAAAAAAAAAAAA.YAAAAAAAAAA~1---~"
        "BAAAAAAAAABA.QA~BAAAAABA.QA~BAAAABA~BAAAAEA.QA~BAAAAAQA~BAAAAAEA.QA~BAAAAABA~BAAAAABA.QA~BAAAAAABAA.QA~BAAAAAQA.QA~"
        "BAAAAAABAA.QA~BAAAAAQA.QA~BAAAAAQA.QA~BAAAAABA.QA~BAAAAAAAQA.QA~BAAAAAQA.QA"
    )
    read = gpp.decode(text)
    assert list(read) == [2, *range(5, 23)]
    written = gpp.encode(read).split("~")
    assert [*written[:1], *written[2:]] == [*text.split("~")[:1], *text.split("~")[2:]]


@pytest.mark.parametrize("vector", VECTORS["tcf"], ids=lambda vector: vector["ConsentLanguage"])
def test_tcf_eu_agrees_with_the_reference_encoder(vector: dict[str, Any]) -> None:
    tc = tcf.decode(vector["text"])
    assert tc == tcf.TCString(
        created=instant(vector["Created"]),
        updated=instant(vector["LastUpdated"]),
        cmp_id=vector["CmpId"],
        cmp_version=vector["CmpVersion"],
        consent_screen=vector["ConsentScreen"],
        language=vector["ConsentLanguage"],
        vendor_list_version=vector["VendorListVersion"],
        policy_version=vector["PolicyVersion"],
        service_specific=vector["IsServiceSpecific"],
        non_standard_texts=vector["UseNonStandardStacks"],
        special_features=field(vector["SpecialFeatureOptins"]),
        purposes_consent=field(vector["PurposeConsents"]),
        purposes_legitimate_interest=field(vector["PurposeLegitimateInterests"]),
        purpose_one_treatment=vector["PurposeOneTreatment"],
        publisher_country=vector["PublisherCountryCode"],
        vendors_consent=Ids.of(vector["VendorConsents"]),
        vendors_legitimate_interest=Ids.of(vector["VendorLegitimateInterests"]),
        restrictions=restrictions(vector["PublisherRestrictions"]),
        disclosed=Ids.of(vector["VendorsDisclosed"]),
        publisher=PublisherTC(
            field(vector["PublisherConsents"]),
            field(vector["PublisherLegitimateInterests"]),
            vector["NumCustomPurposes"],
            field(vector["PublisherCustomConsents"]),
            field(vector["PublisherCustomLegitimateInterests"]),
        ),
    )
    assert tcf.encode(tc) == vector["text"]


@pytest.mark.parametrize("vector", VECTORS["tcfca"], ids=lambda vector: vector["ConsentLanguage"])
def test_tcf_canada_agrees_with_the_reference_encoder(vector: dict[str, Any]) -> None:
    section = sections.read_canada(vector["text"])
    assert section.vendors_express == Ids.of(vector["VendorExpressConsent"])
    assert section.vendors_implied == Ids.of(vector["VendorImpliedConsent"])
    assert section.purposes_express == field(vector["PurposesExpressConsent"])
    assert section.purposes_implied == field(vector["PurposesImpliedConsent"])
    assert section.restrictions == restrictions(vector["PubRestrictions"])
    assert section.publisher_express == field(vector["PubPurposesExpressConsent"])
    assert section.custom_implied == field(vector["CustomPurposesImpliedConsent"])
    assert sorted(sections.write_canada(section).split(".")) == sorted(vector["text"].split("."))


@pytest.mark.parametrize("vector", VECTORS["us"], ids=lambda vector: vector["name"])
def test_us_sections_agree_with_the_reference_encoder(vector: dict[str, Any]) -> None:
    read = gpp.decode(vector["text"])
    (section,) = read.values()
    assert isinstance(section, UsSection)
    assert section.layout.name == vector["name"]
    for name, value in vector["fields"].items():
        values = tuple(value) if isinstance(value, list) else (value,)
        if name == "Gpc":
            assert section.gpc is value
        elif snake(name) in section.values:
            assert section.values[snake(name)] == values
        else:
            assert name == "SensitiveDataProcessing"
            assert section.sensitive_consents == values
    assert gpp.encode(read) == vector["text"]


def test_every_us_section_has_a_vector() -> None:
    assert {vector["name"] for vector in VECTORS["us"]} == {layout.name for layout in sections.US.values()}


# UsNat.test.ts of the same repository: the two widths that were written under version 1.
def test_both_widths_of_the_first_national_section_are_read() -> None:
    wide = sections.read_us(7, "BVVVkkkkkpFY.YA")
    assert wide.values["sensitive_data_processing"] == (2, 1, 0) * 5 + (2,)
    assert wide.gpc is True
    assert sections.write_us(wide) == "BVVVkkkkkpFY.YA"
    narrow = sections.read_us(7, "BVQqAAAACg")
    assert narrow.values["sharing_opt_out"] == (2,)
    assert len(narrow.values["sensitive_data_processing"]) == 12
    assert sections.read_us(7, sections.write_us(narrow)) == narrow


def test_a_section_that_is_not_known_is_kept_as_it_is() -> None:
    read = {60: "anything-of-theirs", 6: UsPrivacy("Y", "Y", "-")}
    assert gpp.decode(gpp.encode(read)) == read


def test_what_was_agreed_stands_in_other_places_when_one_bit_moves() -> None:
    tc = tcf.decode(VECTORS["tcf"][0]["text"])
    other = replace(tc, purposes_consent=tc.purposes_consent | Ids.of([24]))
    assert tcf.encode(other) != tcf.encode(tc)
    assert tcf.decode(tcf.encode(other)).purposes_consent == other.purposes_consent
