"""Which TC strings the framework accepts, what they permit, and what signals mean for us."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from consent.signals import google, gpc, gpp, meaning, sections, tcf, tcf_rules, vendors
from consent.signals.bits import Ids
from consent.signals.errors import SignalInvalid, SignalMalformed
from consent.signals.meaning import Says
from consent.signals.sections import UsSection
from consent.signals.tcf import PublisherTC, Restriction, RestrictionType, TCString
from consent.signals.tcf_rules import Basis, Platform
from governance.purposes.terms import Channel

NOW = datetime(2026, 11, 20, 15, 30, tzinfo=UTC)
DAY = datetime(2026, 11, 20, tzinfo=UTC)
# Made-up vendors in the published form of the list (specification version 3).
LIST = vendors.parse(
    json.dumps(
        {
            "gvlSpecificationVersion": 3,
            "vendorListVersion": 120,
            "tcfPolicyVersion": 5,
            "vendors": {
                "1": {
                    "id": 1,
                    "name": "By consent",
                    "purposes": [1, 2, 3],
                    "legIntPurposes": [7],
                    "flexiblePurposes": [2],
                },
                "2": {
                    "id": 2,
                    "name": "By interest",
                    "purposes": [],
                    "legIntPurposes": [2, 7],
                    "flexiblePurposes": [7],
                },
                "3": {
                    "id": 3,
                    "name": "Gone",
                    "purposes": [1],
                    "legIntPurposes": [],
                    "deletedDate": "2025-01-01T00:00:00Z",
                },
                "4": {
                    "id": 4,
                    "name": "Security alone",
                    "purposes": [],
                    "legIntPurposes": [],
                    "specialPurposes": [1, 3],
                },
            },
        }
    )
)
GOOD = TCString(
    created=DAY, updated=DAY, cmp_id=300, cmp_version=1, consent_screen=1, language="PL", vendor_list_version=120,
    policy_version=5, service_specific=True, purposes_consent=Ids.of([1, 2, 3, 4]),
    purposes_legitimate_interest=Ids.of([2, 7]), publisher_country="PL", vendors_consent=Ids.of([1]),
    vendors_legitimate_interest=Ids.of([1, 2]), disclosed=Ids.of([1, 2]),
)  # fmt: skip


def broken(tc: TCString) -> list[str]:
    return [fault.field for fault in tcf_rules.faults(tc, now=NOW, vendor_list=LIST)]


def test_a_string_by_the_rules_has_no_fault() -> None:
    assert broken(GOOD) == []
    tcf_rules.refuse(GOOD, now=NOW, vendor_list=LIST)


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"disclosed": None}, "disclosed"),
        ({"disclosed": Ids.of([2])}, "vendors_consent"),
        ({"disclosed": Ids.of([1])}, "vendors_legitimate_interest"),
        ({"updated": DAY + timedelta(hours=1)}, "updated"),
        ({"created": DAY + timedelta(hours=1), "updated": DAY + timedelta(hours=1)}, "created"),
        ({"created": DAY + timedelta(days=2), "updated": DAY + timedelta(days=2)}, "created"),
        ({"service_specific": False}, "service_specific"),
        ({"cmp_id": 0}, "cmp_id"),
        ({"vendor_list_version": 0}, "vendor_list_version"),
        ({"vendor_list_version": 121}, "vendor_list_version"),
        ({"policy_version": 4}, "policy_version"),
        ({"purposes_consent": Ids.of([12])}, "purposes"),
        ({"special_features": Ids.of([3])}, "special_features"),
        *[({"purposes_legitimate_interest": Ids.of([one])}, "purposes_legitimate_interest") for one in (1, 3, 4, 5, 6)],
        ({"allowed": Ids.of([1])}, "allowed"),
        ({"publisher": PublisherTC(consents=Ids.of([24]))}, "publisher"),
        ({"disclosed": Ids.of([1, 2, 9])}, "vendors"),
        ({"restrictions": (Restriction(12, RestrictionType.NOT_ALLOWED, Ids.of([1])),)}, "restrictions"),
        ({"restrictions": (Restriction(2, RestrictionType.UNDEFINED, Ids.of([1])),)}, "restrictions"),
        ({"restrictions": (Restriction(3, RestrictionType.REQUIRE_LEGITIMATE_INTEREST, Ids.of([1])),)}, "restrictions"),
        (
            {
                "restrictions": (
                    Restriction(2, RestrictionType.NOT_ALLOWED, Ids.of([1])),
                    Restriction(2, RestrictionType.REQUIRE_CONSENT, Ids.of([1])),
                )
            },
            "restrictions",
        ),
    ],
)
def test_every_broken_rule_is_named(change: dict[str, Any], field: str) -> None:
    assert field in broken(replace(GOOD, **change))


def test_strings_from_before_the_rules_are_judged_by_their_own() -> None:
    old = replace(
        GOOD, created=datetime(2021, 5, 1, 12, tzinfo=UTC), updated=datetime(2022, 5, 1, 12, tzinfo=UTC), policy_version=2,
        service_specific=False, disclosed=None, purposes_legitimate_interest=Ids.of([3]),
    )  # fmt: skip
    assert broken(old) == []


@pytest.mark.parametrize(
    ("vendor", "purpose", "restriction", "expected"),
    [
        (1, 1, None, Basis.CONSENT),
        (1, 7, None, Basis.LEGITIMATE_INTEREST),
        (2, 1, None, None),
        (3, 1, None, None),
        (9, 1, None, None),
        (1, 1, RestrictionType.NOT_ALLOWED, None),
        (1, 2, RestrictionType.REQUIRE_LEGITIMATE_INTEREST, Basis.LEGITIMATE_INTEREST),
        (1, 3, RestrictionType.REQUIRE_LEGITIMATE_INTEREST, None),
        (1, 7, RestrictionType.REQUIRE_CONSENT, None),
        (2, 7, RestrictionType.REQUIRE_CONSENT, None),
    ],
)
def test_a_vendor_has_the_basis_that_everybody_agreed_to(
    vendor: int, purpose: int, restriction: RestrictionType | None, expected: Basis | None
) -> None:
    said = () if restriction is None else (Restriction(purpose, restriction, Ids.of([vendor])),)
    assert tcf_rules.basis(replace(GOOD, restrictions=said), vendor, purpose, LIST) is expected


def test_who_was_not_disclosed_has_no_basis() -> None:
    assert tcf_rules.basis(replace(GOOD, disclosed=Ids.of([2])), 1, 1, LIST) is None


def test_a_special_purpose_is_open_to_whom_the_person_was_told_of_and_to_nobody_else() -> None:
    told = replace(GOOD, disclosed=Ids.of([1, 2, 4]))
    assert broken(told) == [], "a vendor without a purpose has no bit but this one"
    assert tcf_rules.may_for_special(told, 4, 1, LIST)
    assert tcf_rules.may_for_special(told, 4, 3, LIST)
    assert not tcf_rules.may_for_special(told, 4, 2, LIST), "not declared"
    assert not tcf_rules.may_for_special(GOOD, 4, 1, LIST), "not disclosed"
    assert not tcf_rules.may_for_special(replace(told, disclosed=None), 4, 1, LIST), "the segment is mandatory"
    before = replace(told, disclosed=None, policy_version=4, created=datetime(2025, 5, 1, tzinfo=UTC))
    assert not tcf_rules.may_for_special(before, 4, 1, LIST)
    assert tcf_rules.may_for_special(replace(before, vendors_legitimate_interest=Ids.of([4])), 4, 1, LIST)


def test_what_the_platform_writes_keeps_every_rule() -> None:
    text = tcf_rules.emit(
        platform=Platform(300, 7, "PL"), vendor_list=LIST, consents=Ids.of([1, 2, 3, 4]), legitimate_interests=Ids.of(range(1, 12)),
        special_features=Ids.of([1]), vendors=Ids.of([1, 2, 3]), language="pl", at=NOW, publisher=PublisherTC(Ids.of([1])),
    )  # fmt: skip
    tc = tcf.decode(text)
    assert broken(tc) == []
    assert list(tc.disclosed or ()) == [1, 2]
    assert (tc.created, tc.language, tc.policy_version, tc.cmp_id) == (DAY, "PL", 5, 300)
    assert not tc.purposes_legitimate_interest & Ids.of([1, 3, 4, 5, 6])


def test_the_platform_writes_nothing_that_breaks_a_rule() -> None:
    with pytest.raises(SignalInvalid):
        tcf_rules.emit(
            platform=Platform(0, 1, "PL"), vendor_list=LIST, consents=Ids.of([1]), legitimate_interests=Ids(),
            special_features=Ids(), vendors=Ids.of([1]), language="pl", at=NOW,
        )  # fmt: skip


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", '{"vendorListVersion": 1, "tcfPolicyVersion": 4, "vendors": {"1": {}}}', "not json"]
)
def test_what_is_no_vendor_list_is_refused(text: str) -> None:
    with pytest.raises(SignalInvalid):
        vendors.parse(text)


def says(meanings: list[meaning.Meaning]) -> dict[str, str]:
    return {one.channel.value: one.says.value for one in meanings}


def test_a_yes_needs_every_purpose_behind_the_channel() -> None:
    assert says(meaning.of_tcf(GOOD)) == {"ads": "yes", "profiling": "no", "analytics": "no"}
    assert says(meaning.of_tcf(replace(GOOD, purposes_consent=Ids.of([1, 2, 4]))))["ads"] == "no"
    own = PublisherTC(consents=Ids.of([1, 7, 8, 9]))
    assert says(meaning.of_tcf(replace(GOOD, publisher=own))) == {"ads": "no", "profiling": "no", "analytics": "yes"}


def test_as_a_vendor_we_need_our_own_bit_and_no_restriction() -> None:
    assert says(meaning.of_tcf(GOOD, vendor=1))["ads"] == "yes"
    assert says(meaning.of_tcf(GOOD, vendor=2))["ads"] == "no"
    forbidden = (Restriction(4, RestrictionType.NOT_ALLOWED, Ids.of([1])),)
    assert says(meaning.of_tcf(replace(GOOD, restrictions=forbidden), vendor=1))["ads"] == "no"
    assert says(meaning.of_tcf(replace(GOOD, disclosed=Ids.of([2])), vendor=1))["ads"] == "no"


def california(**fields: tuple[int, ...]) -> UsSection:
    layout = sections.US[8, 1]
    values = {name: (0,) * count for name, count in layout.fields} | {"mspa_covered_transaction": (2,)} | fields
    return UsSection(layout, values)


def test_an_opt_out_in_one_section_is_not_undone_by_a_yes_in_another() -> None:
    heard = meaning.of_gpp(gpp.decode(gpp.encode({2: GOOD, 8: california(sale_opt_out=(1,))})))
    assert [one for one in heard if one.channel is Channel.ADS] == [
        meaning.Meaning(Channel.ADS, Says.OPTED_OUT, "US-CA", "usca")
    ]
    assert meaning.of_gpp({8: california(sale_opt_out=(2,), sharing_opt_out=(2,))}) == []


def test_global_privacy_control_inside_a_section_is_a_preference() -> None:
    heard = meaning.of_gpp({8: replace(california(), gpc=True)})
    assert [one.says for one in heard] == [Says.PREFERS_OPT_OUT]


@pytest.mark.parametrize("value", [None, "", "0", "true", "01", "1 ", " 1", "1, 1", "1,0", "１", "yes", "2"])
def test_only_the_single_character_one_is_global_privacy_control(value: str | None) -> None:
    assert not gpc.says_opt_out(value)
    assert gpc.says_opt_out("1")


def test_consent_mode_says_nothing_by_default_and_something_once_updated() -> None:
    state = {
        "ad_storage": "granted",
        "ad_user_data": "granted",
        "ad_personalization": "denied",
        "analytics_storage": "granted",
    }
    assert meaning.of_google(google.read("default", state), "EU") == []
    assert says(meaning.of_google(google.read("update", state), "EU")) == {"ads": "no", "analytics": "yes"}
    partly = google.read("update", {"ad_storage": "granted"})
    assert meaning.of_google(partly, "EU") == []
    assert google.read("update", state | {"wait_for_update": 500}).state()["ad_personalization"] == "denied"


@pytest.mark.parametrize(
    ("command", "state"),
    [
        ("set", {}),
        ("update", {"ad_storage": "maybe"}),
        ("update", {"cookies": "granted"}),
        ("update", {"ad_storage": True}),
    ],
)
def test_what_consent_mode_does_not_know_is_refused(command: str, state: dict[str, object]) -> None:
    with pytest.raises(SignalMalformed):
        google.read(command, state)


def test_what_we_tell_google_is_denied_until_it_is_allowed() -> None:
    assert set(meaning.google_state({}).values()) == {"denied", "granted"}
    assert [name for name, word in meaning.google_state({}).items() if word == "granted"] == ["security_storage"]
    told = meaning.google_state({Channel.ADS: True, Channel.ANALYTICS: False})
    assert told["ad_storage"] == told["ad_user_data"] == told["ad_personalization"] == "granted"
    assert told["analytics_storage"] == "denied"
