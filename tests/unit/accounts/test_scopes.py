"""Scopes are a closed vocabulary, and the role tables stay inside what each role is for."""

from datetime import UTC, datetime, timedelta

import pytest

from governance.accounts import scopes
from governance.accounts.clients import LONGEST_LIFE, decide_issue
from governance.accounts.errors import IssueRefused, ScopeUnknown

NOW = datetime(2026, 11, 21, tzinfo=UTC)


@pytest.mark.parametrize(
    "scope", ["consent", "consent:", ":read", "consent:delete", "payroll:read", "*:read", "consent:read:all", ""]
)
def test_a_scope_that_does_not_exist_is_refused_by_position(scope: str) -> None:
    with pytest.raises(ScopeUnknown) as refused:
        scopes.checked(["consent:read", scope])
    assert refused.value.fields["errors"][0]["pointer"] == "/scopes/1"


def test_a_pattern_covers_its_verb_in_every_package_and_no_other_verb() -> None:
    held = frozenset({"*:read"})
    assert all(scopes.covers(held, f"{package}:read") for package in scopes.PACKAGES)
    assert not any(
        scopes.covers(held, f"{package}:{verb}") for package in scopes.PACKAGES for verb in scopes.VERBS - {"read"}
    )


def test_spelling_out_names_every_package() -> None:
    assert scopes.spell_out(["*:run", "consent:write"]) == {f"{p}:run" for p in scopes.PACKAGES} | {"consent:write"}


def test_a_key_needs_a_scope() -> None:
    with pytest.raises(IssueRefused):
        decide_issue(frozenset(), None, NOW + timedelta(days=1), NOW)


@pytest.mark.parametrize("life", [timedelta(0), timedelta(seconds=-1), LONGEST_LIFE + timedelta(seconds=1)])
def test_a_key_lives_longer_than_nothing_and_not_longer_than_a_year(life: timedelta) -> None:
    with pytest.raises(IssueRefused):
        decide_issue(frozenset({"events:write"}), None, NOW + life, NOW)
    decide_issue(frozenset({"events:write"}), None, NOW + LONGEST_LIFE, NOW)


def test_nobody_hands_out_what_they_do_not_hold() -> None:
    with pytest.raises(IssueRefused) as refused:
        decide_issue(
            frozenset({"events:write", "pseudonymize:reveal"}), frozenset({"events:write"}), NOW + timedelta(1), NOW
        )
    assert refused.value.fields["scopes"] == ["pseudonymize:reveal"]
