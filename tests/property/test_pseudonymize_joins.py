"""Joins within a domain hold and across domains do not; a rotation keeps them; forgetting a person breaks exactly theirs."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from governance.kernel import secret_files
from pseudonymize import domains, policies, vault
from pseudonymize.crossings import reversal
from pseudonymize.errors import TransformFailed
from pseudonymize.keys.cache import keys as key_cache
from pseudonymize.models import Domain, VaultToken
from pseudonymize.runs import batch
from pseudonymize.vault.random_tokens import purge_expired
from tests.integration.pseudonymize.arranging import IMPORTER, enrolled
from tests.people import ALICE, BOB, CAROL

POLICY = """\
version: 1
domain: {{id: {domain}, purpose: model_training{group}}}
engine: {{on_error: quarantine}}
columns: {{value: {{transform: {rule}}}}}
"""
RULES = [
    "token_mac, canonical: id@1",
    "token_siv, canonical: id@1",
    "token_vault, canonical: id@1, expires: 30d",
    "fpe_ff1, class: card",
]
VALUES = st.lists(st.integers(10**7, 10**7 + 12).map(str), min_size=1, max_size=30)


@pytest.fixture(autouse=True)
def _keys_of_its_own(settings: Any, tmp_path: Any) -> Any:
    settings.ZGODA_KEYS_DIR = tmp_path / "keys"
    secret_files.forget_cache()
    key_cache.clear()
    yield
    secret_files.forget_cache()
    key_cache.clear()


def tokens(rule: str, values: list[str], domain: str, group: str = "") -> list[str | None]:
    text = POLICY.format(domain=domain, rule=rule, group=f", join_group: {group}" if group else "")
    done = batch.apply(pa.table({"value": values}), policies.load(text), actor=IMPORTER, activity="test")
    found: list[str | None] = done.table["value"].to_pylist()
    return found


def joined(left: list[Any], right: list[Any]) -> set[tuple[int, int]]:
    """Which rows of one side have the value of which of the other."""
    return {(i, j) for i, one in enumerate(left) for j, other in enumerate(right) if one == other}


@pytest.mark.django_db
@pytest.mark.parametrize("rule", RULES)
@settings(max_examples=6, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(left=VALUES, right=VALUES)
def test_joins_hold_within_a_domain_and_never_across(rule: str, left: list[str], right: list[str]) -> None:
    one, again = tokens(rule, left, "one"), tokens(rule, right, "one")
    assert joined(one, again) == joined(left, right)
    other = tokens(rule, right, "two")
    if "fpe" in rule:  # numbers may meet by chance: what must not hold is the join
        assert not joined(left, right) or joined(one, other) != joined(left, right)
    else:
        assert not set(one) & set(other)
        if "vault" not in rule:
            grouped = tokens(rule, left, "three", "crm"), tokens(rule, right, "four", "crm")
            assert joined(*grouped) == joined(left, right)


@pytest.mark.django_db
@pytest.mark.parametrize("rule", RULES[1:])
def test_what_has_a_way_back_survives_a_rotation_with_its_joins(rule: str) -> None:
    values = ["10000001", "10000002", "10000001"]
    before = tokens(rule, values, "one")
    domains.next_epoch("one", actor=IMPORTER)
    after = tokens(rule, values, "one")
    assert joined(after, after) == joined(values, values)

    domain = Domain.objects.get(key="one")
    parsed = policies.load(POLICY.format(domain="one", rule=rule, group="")).columns["value"]
    if "vault" in rule:
        assert [token[9:-1] for token in after if token] == [token[9:-1] for token in before if token], (
            "only the key is new"
        )
        return
    assert not set(before) & set(after)
    plain = reversal.values(parsed, pa.array(before), domain, 1).to_pylist()
    assert plain == values
    assert tokens(rule, plain, "one") == after, "moved to the new epoch, the old output joins with the new one"


@pytest.mark.django_db
def test_forgetting_a_person_breaks_exactly_their_tokens() -> None:
    alice, bob, _ = enrolled(ALICE, BOB, CAROL)
    rule = "token_mac, canonical: email@1, shreddable: true"
    emails = [ALICE.email.upper(), BOB.email, CAROL.email, "stranger@example.org"]
    before = tokens(rule, emails, "one")
    assert len(before) == 3, "who is not in the vault has no secret"
    assert tokens(rule, emails, "one") == before
    assert not set(before) & set(tokens("token_mac, canonical: email@1", emails, "one"))

    vault.forget(alice, actor=IMPORTER, reason="erasure")
    assert tokens(rule, emails, "one") == before[1:]
    vault.forget(bob, actor=IMPORTER, reason="erasure")
    assert tokens(rule, emails, "one") == before[2:]
    with pytest.raises(TransformFailed, match="nobody in the vault"):
        strict = POLICY.replace("quarantine", "fail").format(domain="one", rule=rule, group="")
        batch.apply(pa.table({"value": emails[:1]}), policies.load(strict), actor=IMPORTER, activity="test")


@pytest.mark.django_db
def test_two_domains_mix_in_two_secrets_of_a_person() -> None:
    enrolled(ALICE)
    rule = "token_mac, canonical: email@1, shreddable: true"
    one, two = (tokens(rule, [ALICE.email], name) for name in ("one", "two"))
    assert one != two
    domains.next_epoch("one", actor=IMPORTER)
    assert tokens(rule, [ALICE.email], "one") != one


@pytest.mark.django_db
def test_random_tokens_stay_while_they_live_and_go_with_time_or_person() -> None:
    from datetime import timedelta

    from governance.kernel import personal_data
    from governance.kernel.clock import now

    (alice,) = enrolled(ALICE)
    rule = "token_vault, canonical: email@1, expires: 30d"
    emails = [ALICE.email, "stranger@example.org", ALICE.email.upper()]
    before = tokens(rule, emails, "one")
    assert before[0] == before[2] != before[1]
    assert tokens(rule, emails, "one") == before
    stored = bytes(VaultToken.objects.get(subject=alice).sealed)
    assert ALICE.email.lower().encode() not in stored

    source = next(source for source in personal_data.sources() if source.key == "pseudonymize.token_vault")
    assert source.locate(alice).total == 1
    assert ALICE.email not in repr(source.export(alice))
    assert source.erase(alice).deleted == 1
    assert source.residual(alice).count == 0
    after = tokens(rule, emails, "one")
    assert after[0] != before[0]
    assert after[1] == before[1]

    VaultToken.objects.update(created_at=now() - timedelta(days=40), expires_at=now() - timedelta(days=1))
    parsed = policies.load(POLICY.format(domain="one", rule=rule, group="")).columns["value"]
    domain = Domain.objects.get(key="one")
    assert reversal.values(parsed, pa.array(after), domain, 1).to_pylist() == [None, None, None]
    assert not set(tokens(rule, emails, "one")) & set(after)
    VaultToken.objects.update(created_at=now() - timedelta(days=40), expires_at=now() - timedelta(days=1))
    assert purge_expired() == 2
    assert not VaultToken.objects.exists()


@pytest.mark.django_db
def test_a_token_that_was_drawn_before_its_person_was_known_goes_with_them_too() -> None:
    from pseudonymize.vault import random_tokens

    rule = "token_vault, canonical: email@2, expires: 30d"
    tokens(rule, [ALICE.email, BOB.email], "one")
    (alice,) = enrolled(ALICE)
    assert VaultToken.objects.filter(subject=None).count() == 2
    assert random_tokens.count(alice) == 1
    assert random_tokens.erase(alice) == 1
    assert VaultToken.objects.count() == 1
