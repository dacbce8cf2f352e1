"""A policy over a table: what comes out, what is refused, what the manifest says."""

from __future__ import annotations

from typing import Any

import polars as pl
import pyarrow as pa
import pytest
from django.db import DatabaseError, transaction

from audit.models import Entry
from governance.kernel.crypto import SignatureInvalid
from governance.kernel.ids import uuid7
from pseudonymize import domains, policies, publishing
from pseudonymize.errors import (
    ColumnsMissing,
    ColumnsNotCovered,
    DomainMismatch,
    ManifestInvalid,
    PolicyUnknown,
    ResidualPersonalData,
    RiskTooHigh,
    TableUnreadable,
    TransformFailed,
)
from pseudonymize.models import Manifest, PolicyVersion
from pseudonymize.policies.vocabulary import PROFILES
from pseudonymize.runs import batch, detection_profiles, manifests
from pseudonymize.runs.detection_profiles import DetectionBelowProfile
from tests.integration.pseudonymize.arranging import IMPORTER
from tests.integration.pseudonymize.tables import apply, policy, table


@pytest.mark.django_db
def test_each_column_comes_out_as_its_rule_says() -> None:
    source = table()
    done = apply(source, policy())
    out = done.table

    assert out.column_names == [name for name in source.column_names if name != "name"]
    assert out.schema.metadata is None
    assert len(set(out["customer"].to_pylist())) == 20
    assert all(token.startswith("zm") and len(token) == 36 for token in out["email"].to_pylist())
    assert out["born"][0].as_py().startswith(">=") or out["born"][0].as_py().startswith("<")
    assert out["born"][39].as_py() == "1955-1959"
    assert (out["spend"][0].as_py(), out["spend"][39].as_py()) == ("[0, 10)", ">=100")
    assert out["post"].to_pylist()[:2] == ["00", None]
    assert set(out["phone"].to_pylist()) == {"**********03"}
    assert set(out["card"].to_pylist()) == {"<REDACTED>"}
    assert out["label"].to_pylist() == source["label"].to_pylist()
    moved = [out["ordered"][row].as_py() - source["ordered"][row].as_py() for row in range(40)]
    assert all(abs(days.days) <= 30 for days in moved)
    assert all(moved[row] == moved[row + 1] for row in range(0, 40, 2)), "intervals of one person changed"
    assert len(set(moved)) > 5


@pytest.mark.django_db
def test_no_value_of_a_direct_identifier_is_in_the_output() -> None:
    source = table()
    shown = str(apply(source, policy()).table.to_pydict()).lower()
    for name in ("customer", "email", "name", "phone"):
        assert not [value for value in source[name].to_pylist() if value.lower() in shown]


@pytest.mark.django_db
def test_tokens_join_within_a_domain_and_a_join_group_and_nowhere_else() -> None:
    def tokens(rules: Any) -> list[str]:
        found: list[str] = apply(table(), rules).table["customer"].to_pylist()
        return found

    own, again = tokens(policy("one")), tokens(policy("one", on_error="quarantine"))
    other = tokens(policy("two"))
    grouped, partner = tokens(policy("three", group="crm")), tokens(policy("four", group="crm"))

    assert own == again
    assert grouped == partner
    assert not set(own) & set(other)
    assert not set(own) & set(grouped)
    for form in ("hex", "base32_26", "opaque"):
        bare = [tokens(policy(name, out=form)) for name in ("one", "two")]
        assert not set(bare[0]) & set(bare[1])


@pytest.mark.django_db
def test_a_new_epoch_ends_the_joins() -> None:
    before = apply(table(), policy()).table["customer"].to_pylist()
    domains.next_epoch("ml", actor=IMPORTER)
    after = apply(table(), policy())

    assert not set(before) & set(after.table["customer"].to_pylist())
    assert after.manifest.statement["domain"]["epoch"] == 2


@pytest.mark.django_db
def test_a_token_is_never_tokenised_twice_and_a_foreign_one_is_refused() -> None:
    text = "version: 1\ndomain: {id: DOMAIN, purpose: training}\ncolumns: {email: {transform: token_mac, canonical: email@1}}"
    one, two = (policies.load(text.replace("DOMAIN", name)) for name in ("one", "two"))
    raw = pa.table({"email": ["alice@example.com", "ALICE@example.com", None, "bob@example.com"]})
    first = apply(raw, one).table
    mixed = pa.table({"email": [first["email"][0].as_py(), "bob@example.com"]})

    assert first["email"][0] == first["email"][1]
    assert apply(first, one).table == first
    assert apply(mixed, one).table["email"].to_pylist() == [first["email"][0].as_py(), first["email"][3].as_py()]
    with pytest.raises(TransformFailed):
        apply(first, two)


@pytest.mark.django_db
def test_the_world_is_closed() -> None:
    source = table()
    with pytest.raises(ColumnsNotCovered) as caught:
        apply(source.append_column("ssn", pa.array(["900-12-3456"] * 40)), policy())
    assert caught.value.fields["columns"] == ["ssn"]
    with pytest.raises(ColumnsMissing):
        apply(source.drop_columns(["email"]), policy())
    twice = pa.Table.from_arrays([*source.columns, source["email"]], names=[*source.column_names, "email"])
    with pytest.raises(TableUnreadable):
        apply(twice, policy())
    assert not Manifest.objects.exists()


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("column", "values"),
    [
        ("label", pa.array([["hidden@example.com"]] * 40)),
        ("label", pa.array([{"inside": "hidden@example.com"}] * 40)),
        ("label", pa.array([b"hidden@example.com"] * 40)),
        ("email", pa.array([1.5] * 40)),
        ("spend", pa.array(["hidden@example.com"] * 40)),
        ("ordered", pa.array([7] * 40)),
    ],
)
def test_a_type_that_a_rule_does_not_take_is_refused_without_quoting_a_value(column: str, values: pa.Array) -> None:
    source = table()
    place = source.column_names.index(column)
    with pytest.raises((TableUnreadable, TransformFailed)) as caught:
        apply(source.set_column(place, column, values), policy())
    assert "hidden" not in str(caught.value) + repr(caught.value.fields)
    assert column in str(caught.value)


@pytest.mark.django_db
def test_bad_values_stop_the_run_or_are_quarantined() -> None:
    source = table()
    emails = source["email"].to_pylist()
    emails[3], emails[7] = "secret-not-an-address", "x@"
    customers = source["customer"].to_pylist()
    customers[9] = None
    bad = source.set_column(1, "email", pa.array(emails)).set_column(0, "customer", pa.array(customers))

    with pytest.raises(TransformFailed) as caught:
        apply(bad, policy())
    assert "secret" not in str(caught.value)
    done = apply(bad, policy(on_error="quarantine"))

    assert done.quarantined == (3, 7, 9)
    assert len(done.table) == 37
    assert done.manifest.statement["rows"] == {"in": 40, "out": 37, "quarantined": 3, "suppressed": 0}
    failed = {column["name"]: column["failed"] for column in done.manifest.columns}
    assert (failed["email"], failed["ordered"], failed["customer"]) == (2, 1, 0)


@pytest.mark.django_db
def test_rows_that_stand_out_are_suppressed_or_stop_the_run() -> None:
    extra = "risk: {{quasi: [born, post], k: {k}, on_violation: {how}, max_suppressed: {most}}}\n"
    source = table()

    done = apply(source, policy(extra=extra.format(k=2, how="suppress", most=0.5)))
    groups = pl.from_arrow(done.table.select(["born", "post"])).group_by(["born", "post"]).len()  # type: ignore[union-attr]
    assert groups["len"].min() >= 2
    risk = done.manifest.statement["risk"]
    assert risk["suppressed_rows"] == 40 - len(done.table) == done.manifest.statement["rows"]["suppressed"]
    for how, most in [("suppress", 0.01), ("fail", 1.0)]:
        with pytest.raises(RiskTooHigh):
            apply(source, policy(extra=extra.format(k=10, how=how, most=most)))
    assert Manifest.objects.count() == 1


@pytest.mark.django_db
def test_the_manifest_says_what_was_done_and_is_signed_logged_and_unchangeable() -> None:
    verdict = uuid7()
    done = batch.apply(table(), policy(), actor=IMPORTER, activity="lapse model", verdict_id=verdict)
    manifest = done.manifest

    statement = manifests.verify(manifest.jws, done.table)
    assert statement["policy_sha256"] == policy().sha256
    assert (statement["activity"], statement["verdict_id"]) == ("lapse model", str(verdict))
    columns = {column["name"]: column for column in statement["columns"]}
    assert columns["customer"]["distinct_in"] == columns["customer"]["distinct_out"] == 20
    assert columns["post"]["nulls_out"] == 20
    assert (columns["name"]["transform"], columns["name"]["in_output"]) == ("drop", False)
    entry = Entry.objects.get(action="pseudonymize.run")
    assert entry.id == manifest.entry_id
    assert statement["output_sha256"] in entry.header
    row = Manifest.objects.get(id=manifest.id)
    assert (row.rows_in, row.rows_out, row.jws) == (40, 40, manifest.jws)
    with pytest.raises(DatabaseError), transaction.atomic():
        Manifest.objects.filter(id=manifest.id).update(rows_out=1)
    with pytest.raises(ManifestInvalid):
        manifests.verify(manifest.jws, table())
    head, payload, signature = manifest.jws.split(".")
    with pytest.raises(SignatureInvalid):
        manifests.verify(f"{head}.{payload[:-4]}AAAA.{signature}")


@pytest.mark.django_db
def test_policies_are_numbered_versions_that_never_change() -> None:
    first, second = policy(), policy(on_error="quarantine")
    apply(table(), first)
    apply(table(), second)
    apply(table(), first)

    versions = list(PolicyVersion.objects.order_by("number").values_list("name", "number", "sha256"))
    assert versions == [("ml", 1, first.sha256), ("ml", 2, second.sha256)]
    assert publishing.current("ml") == second
    with pytest.raises(PolicyUnknown):
        publishing.current("nothing")
    with pytest.raises(DatabaseError), transaction.atomic():
        PolicyVersion._base_manager.filter(number=1).delete()
    with pytest.raises(DomainMismatch):
        apply(table(), policies.load(second.text.replace("model_training", "profiling")))


@pytest.mark.django_db
@pytest.mark.parametrize("rows", [0, 1])
def test_tiny_tables_and_frames_of_other_kinds_go_through(rows: int) -> None:
    source = table(2)[:rows]
    done = apply(pl.from_arrow(source), policy())
    assert len(done.table) == rows
    assert done.manifest.rows == rows
    assert apply(source, policy()).table.to_pydict() == done.table.to_pydict()
    with pytest.raises(TableUnreadable):
        apply([{"customer": 1}], policy())


@pytest.mark.django_db
def test_dictionary_chunked_and_large_columns_come_out_the_same() -> None:
    source = table()
    shaped = source.set_column(0, "customer", source["customer"].cast(pa.large_string()))
    shaped = shaped.set_column(1, "email", source["email"].dictionary_encode())
    shaped = pa.concat_tables([shaped[:7], shaped[7:]])
    assert apply(shaped, policy()).table == apply(source, policy()).table


TEXTS = """\
version: 1
domain: {{id: notes, purpose: analysis}}
engine: {{on_error: {on_error}}}
columns:
  name: {{transform: drop}}
  lang: {{transform: keep}}
  note: {{transform: {note}}}
gate: {{residual_pii_per_1000_rows: {limit}, sample: 1000}}
"""


def notes(rows: int = 60) -> pa.Table:
    texts = [
        "Customer called from +12025550101 about order 7.",
        "Please write to alice@example.com tomorrow.",
        "Prefers evenings.",
        None,
        "Likes tea.",
    ]
    return pa.table(
        {
            "name": [f"Wilhelmina Oddname{row}" for row in range(rows)],
            "lang": ["en"] * rows,
            "note": (texts * rows)[:rows],
        }
    )


def text_policy(note: str, *, limit: float = 0, on_error: str = "fail") -> Any:
    return policies.load(TEXTS.format(note=note, limit=limit, on_error=on_error))


@pytest.mark.slow  # detection is loaded: 11 seconds where nothing was before
@pytest.mark.django_db
def test_free_text_loses_what_points_at_people() -> None:
    for lang in ("lang: en", "lang: 'column:lang'"):
        done = apply(notes(), text_policy(f"detect_text, {lang}"))
        cleaned = done.table["note"].to_pylist()
        assert cleaned[0] == "Customer called from <PHONE> about order 7."
        assert "<EMAIL>" in cleaned[1]
        assert cleaned[2:5] == ["Prefers evenings.", None, "Likes tea."]
        gate = done.manifest.statement["gate"]
        assert (gate["rows_searched"], gate["rows_with_findings"]) == (60, 0)


@pytest.mark.django_db
def test_only_the_types_that_the_policy_names_are_replaced() -> None:
    done = apply(notes(), text_policy("detect_text, types: [EMAIL]", limit=1000))
    assert done.table["note"][0].as_py() == "Customer called from +12025550101 about order 7."
    assert "<EMAIL>" in done.table["note"][1].as_py()


@pytest.mark.django_db
def test_text_that_still_holds_personal_data_does_not_leave() -> None:
    with pytest.raises(ResidualPersonalData) as caught:
        apply(notes(), text_policy("keep"))
    assert caught.value.fields["hits"] == 24
    assert "alice" not in str(caught.value) + repr(caught.value.fields)
    assert not Manifest.objects.exists()
    assert not Entry.objects.filter(action="pseudonymize.run").exists()


@pytest.mark.django_db
def test_a_persons_own_name_in_their_own_text_is_found_even_when_detection_misses_it() -> None:
    source = notes(10)
    texts = source["note"].to_pylist()
    texts[4] = "ask for wilhelmina oddname4 please"
    source = source.set_column(2, "note", pa.array(texts))
    own = policies.load(
        "version: 1\ndomain: {id: notes, purpose: analysis}\ncolumns:\n  name: {transform: drop}\n"
        "  lang: {transform: drop}\n  note: {transform: detect_text, types: [EMAIL, PHONE]}\n"
        "gate: {residual_pii_per_1000_rows: 99}\n"
    )
    with pytest.raises(ResidualPersonalData) as caught:
        apply(source, own)
    assert caught.value.fields["hits"] == 1


@pytest.mark.django_db
def test_text_in_a_language_that_nobody_can_search_does_not_pass() -> None:
    source = notes(10).set_column(1, "lang", pa.array(["en", "xx", None, "en", "pl"] * 2))
    with pytest.raises(TransformFailed):
        apply(source, text_policy("detect_text, lang: 'column:lang'"))
    done = apply(source, text_policy("detect_text, lang: 'column:lang'", on_error="quarantine"))
    assert done.quarantined == (1, 2, 6, 7)


@pytest.mark.slow  # a language model is loaded, and 80 texts are searched
@pytest.mark.django_db
def test_text_leaves_only_where_detection_finds_what_the_policy_relies_on(monkeypatch: pytest.MonkeyPatch) -> None:
    rules = policies.load(
        "version: 1\ndomain: {id: f2, purpose: training}\n"
        "columns: {note: {transform: detect_text, lang: pl, min_f2_profile: pl-core}}"
    )
    notes = pa.table({"note": ["Rozmowa z Anną Kowalską w sprawie reklamacji."]})
    done = apply(notes, rules)
    assert done.manifest.statement["detection_f2"]["pl-core"] >= PROFILES["pl-core"].least_f2

    # As in an installation without the language's model: nothing is found.
    detection_profiles.f2.cache_clear()
    monkeypatch.setattr(detection_profiles, "find", lambda texts, language: [[] for _ in texts])
    with pytest.raises(DetectionBelowProfile) as refused:
        apply(notes, rules)
    assert refused.value.fields == {"profile": "pl-core", "f2": 0.0, "least": 0.95}
    detection_profiles.f2.cache_clear()
