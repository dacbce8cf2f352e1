"""Entries are written with the change they record, numbered once, and nobody changes them afterwards."""

from __future__ import annotations

import importlib
import json
import threading

import pytest
from django.apps import apps
from django.db import DatabaseError, connection, transaction

from audit import keys, log, models, sequencer, staging, tree
from audit.errors import EntryNotAllowed, LogBroken, NoCheckpoint, NotInTransaction, NotYetSequenced, UnknownEntry
from audit.heads import checkpoints
from audit.merkle import EMPTY_ROOT, verify_consistency, verify_inclusion
from audit.publication import receipts
from audit.verification import verify_log
from governance.kernel.actors import SYSTEM, Actor, ActorKind
from governance.kernel.ids import SubjectId, uuid7
from governance.kernel.invariants import registered
from tests.integration.audit.arrange import CLIENT, sql, undone, unguarded, write, write_log


@pytest.mark.django_db(transaction=True)
def test_an_entry_outside_a_transaction_is_refused():
    with pytest.raises(NotInTransaction):
        log.emit("consent.given", actor=CLIENT)
    with pytest.raises(NotInTransaction):
        log.emit_many([log.Draft("consent.given", CLIENT)])
    assert log.emit_many([]) == []
    assert not models.Entry.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_a_rollback_leaves_nothing():
    alice = SubjectId(uuid7())
    with pytest.raises(RuntimeError), transaction.atomic():
        log.emit("consent.given", actor=CLIENT, subject=alice)
        log.emit_many([log.Draft("consent.given", CLIENT, subject=alice)] * 3)
        raise RuntimeError
    for model in (models.Entry, models.Staged, models.SubjectLink):
        assert not model.objects.exists()
    assert sequencer.sequence() == 0


@pytest.mark.django_db(transaction=True)
def test_entries_of_one_transaction_share_a_group_and_those_of_another_do_not():
    with transaction.atomic():
        first = log.emit("consent.given", actor=CLIENT)
        try:
            with transaction.atomic():
                log.emit("consent.given", actor=CLIENT)
                raise ValueError
        except ValueError:
            pass
        second = log.emit("consent.given", actor=CLIENT)
    with pytest.raises(RuntimeError), transaction.atomic():
        log.emit("consent.given", actor=CLIENT)
        raise RuntimeError
    with transaction.atomic():
        third = log.emit("consent.given", actor=CLIENT)
    group = dict(models.Entry.objects.values_list("id", "transaction_id"))
    assert len(group) == 3
    assert group[first] == group[second] != group[third]


@pytest.mark.django_db
def test_emit_writes_the_entry_its_link_and_its_place_in_the_queue():
    alice, grace = SubjectId(uuid7()), uuid7()
    entry = log.emit(
        "consent.given",
        actor=Actor(ActorKind.GUARDIAN, str(grace)),
        object="consent_event:1",
        subject=alice,
        purpose="newsletter",
        facts={"version": 2},
    )
    row = models.Entry.objects.get(pk=entry)
    assert json.loads(row.header)["facts"] == {"version": 2}
    assert (row.action, row.object, row.purpose) == ("consent.given", "consent_event:1", "newsletter")
    assert str(alice) not in row.header
    assert str(grace) not in row.header
    assert set(models.SubjectLink.objects.values_list("role", "subject_id")) == {("subject", alice), ("actor", grace)}
    assert models.Staged.objects.get().id == entry
    sequencer.sequence()
    assert verify_log().verified


@pytest.mark.django_db
def test_append_only_tables_refuse_update_delete_and_truncate():
    write_log(300)
    for table in ("audit_entry", "audit_leaf", "audit_tile", "audit_checkpoint", "audit_subject_link"):
        assert sql(f"SELECT count(*) FROM {table}") != [(0,)]
        column = sql(
            "SELECT column_name FROM information_schema.columns WHERE table_name = %s ORDER BY ordinal_position DESC LIMIT 1",
            table,
        )[0][0]
        for statement in (f"UPDATE {table} SET {column} = {column}", f"DELETE FROM {table}", f"TRUNCATE {table}"):
            with pytest.raises(DatabaseError, match=r"append-only|erasure alone"), transaction.atomic():
                sql(statement)
    assert verify_log().verified


@pytest.mark.django_db
def test_numbers_are_gap_free_and_every_checkpoint_extends_the_one_before():
    assert sequencer.sequence() == 0
    assert (checkpoints.latest().size, checkpoints.latest().root) == (0, EMPTY_ROOT)
    with pytest.raises(NoCheckpoint):
        checkpoints.at(5)
    ids = write_log(1, 1, 254, 300, 44)
    assert list(models.Leaf.objects.order_by("seq").values_list("seq", flat=True)) == list(range(600))
    assert list(models.Leaf.objects.order_by("seq").values_list("entry_id", flat=True)) == ids
    sizes = list(models.Checkpoint.objects.order_by("size").values_list("size", flat=True))
    assert sizes == [1, 2, 256, 556, 600]
    head = checkpoints.latest()
    assert checkpoints.open_checkpoint(head.note, [keys.verifier()]).root == head.root
    for size in sizes:
        old = checkpoints.at(size)
        assert tree.root(size) == old.root
        verify_consistency(size, 600, tree.consistency_proof(size, 600), old.root, head.root)
    assert models.Tile.objects.count() == 2
    assert all(not check().violations for name, check in registered().items() if name.startswith("audit."))


@pytest.mark.django_db
def test_a_receipt_proves_an_entry_under_the_signed_checkpoint():
    ids = write_log(300, 33)
    for seq in (0, 255, 256, 299, 332):
        receipt = receipts.receipt(ids[seq])
        assert receipt.seq == seq
        leaf = bytes(models.Entry.objects.get(pk=ids[seq]).leaf_hash)
        verify_inclusion(leaf, seq, 333, receipt.proof, receipt.checkpoint.root)
        assert receipt.text.startswith("c2sp.org/tlog-proof@v1\nextra ")
    with pytest.raises(UnknownEntry):
        receipts.receipt(uuid7())
    with pytest.raises(UnknownEntry):
        tree.inclusion_proof(333, 333)
    (waiting,) = write(1)
    with pytest.raises(NotYetSequenced):
        receipts.receipt(waiting)
    assert receipts.wait_for_inclusion(waiting).seq == 333


@pytest.mark.django_db
def test_large_batches_are_numbered_in_several_transactions():
    write(700)
    assert sequencer.sequence(batch=300) == 700
    assert list(models.Checkpoint.objects.order_by("size").values_list("size", flat=True)) == [300, 600, 700]
    assert verify_log().verified


@pytest.mark.django_db
def test_staged_rows_that_are_not_ours_get_no_number():
    write_log(5)
    ids = write(3)
    replayed = models.Leaf.objects.order_by("seq").first()
    strangers = {
        uuid7(): b"y" * 32,
        replayed.entry_id: log.staged_mac(replayed.entry_id, bytes(replayed.leaf_hash), ids[0], 1),
    }
    for entry, mac in strangers.items():
        like = ", ".join(staging.ENTRY[1:])
        sql(
            f"INSERT INTO audit_staged ({', '.join(staging.STAGED)}) "
            f"SELECT %s, {like}, %s, 1, %s FROM audit_entry WHERE id = %s",
            entry, ids[0], mac, replayed.entry_id,
        )  # fmt: skip
    unguarded("UPDATE audit_staged SET leaf_hash = %s WHERE id = %s", b"z" * 32, ids[1])
    assert sequencer.sequence() == 3  # two of ours, and the entry that says that the third is missing
    assert models.Entry.objects.filter(action="log.entries_missing").count() == 1
    assert set(models.Staged.objects.filter(refused=True).values_list("id", flat=True)) == {
        *strangers,
        ids[1],
    }
    assert sequencer.sequence() == 0  # they do not hold up the others
    report = verify_log()
    assert not report.verified
    assert report.first_bad.kind == "removed"  # the changed one counts as gone
    assert sum("not staged by us" in problem for problem in report.problems) == 3


@pytest.mark.django_db
def test_nothing_is_signed_over_a_tree_that_does_not_fit_the_last_checkpoint():
    write_log(300)
    for statement in (
        "UPDATE audit_leaf SET leaf_hash = sha256(leaf_hash) WHERE seq = 299",
        "DELETE FROM audit_leaf WHERE seq = 299",
        "INSERT INTO audit_leaf SELECT 300, gen_random_uuid(), leaf_hash, mac FROM audit_leaf WHERE seq = 1",
        "DELETE FROM audit_checkpoint",
        "UPDATE audit_tile SET root = sha256(root)",
    ):
        with undone():
            unguarded(statement)
            write(1)
            with pytest.raises(LogBroken), transaction.atomic():
                sequencer.sequence()
            assert sql("SELECT max(size) FROM audit_checkpoint")[0][0] in (300, None)


@pytest.mark.django_db(transaction=True)
def test_concurrent_writers_and_sequencers_lose_nothing_and_leave_no_gap():
    """Four writers, each committing and rolling back, while two sequencers run: ids become visible out of order."""
    committed: list = []
    errors: list[BaseException] = []
    stop = threading.Event()

    def writing(number: int) -> None:
        try:
            for turn in range(30):
                try:
                    with transaction.atomic():
                        mine = [log.emit("consent.given", actor=SYSTEM, facts={"writer": number, "turn": turn})]
                        mine += log.emit_many([log.Draft("consent.given", SYSTEM)] * (turn % 4))
                        if turn % 5 == 4:
                            raise ValueError
                except ValueError:
                    continue
                committed.extend(mine)
        except BaseException as error:
            errors.append(error)
        finally:
            connection.close()

    def sequencing() -> None:
        try:
            while not stop.is_set():
                sequencer.sequence(batch=17)
        except BaseException as error:
            errors.append(error)
        finally:
            connection.close()

    writers = [threading.Thread(target=writing, args=(number,)) for number in range(4)]
    sequencers = [threading.Thread(target=sequencing) for _ in range(2)]
    for thread in (*writers, *sequencers):
        thread.start()
    for thread in writers:
        thread.join()
    stop.set()
    for thread in sequencers:
        thread.join()
    assert not errors
    sequencer.sequence()
    numbered = dict(models.Leaf.objects.values_list("entry_id", "seq"))
    assert set(numbered) == set(committed)
    assert sorted(numbered.values()) == list(range(len(committed)))
    assert not models.Staged.objects.exists()
    assert verify_log().verified


@pytest.mark.django_db(transaction=True)
def test_the_group_of_a_transaction_survives_a_savepoint_that_took_other_hooks_with_it():
    with transaction.atomic():
        try:
            with transaction.atomic():
                transaction.on_commit(lambda: None)
                log.emit("consent.given", actor=CLIENT)
                raise ValueError
        except ValueError:
            pass
        kept = [log.emit("consent.given", actor=CLIENT) for _ in range(3)]
    groups = set(models.Entry.objects.filter(id__in=kept).values_list("transaction_id", flat=True))
    assert len(groups) == 1
    assert models.Entry.objects.count() == 3


@pytest.mark.django_db
@pytest.mark.parametrize(
    "text",
    [
        "{origin}\n5\n",
        "{origin}\n05\n{root}\n",
        "{origin}\n-5\n{root}\n",
        "{origin}\n5\n!!!\n",
        "{origin}\n5\nAAAA\n",
        "other.example/log\n5\n{root}\n",
        "{origin}\n\n{root}\n",
    ],
)
def test_a_signed_note_that_is_no_checkpoint_of_ours_is_refused(text: str):
    from audit import notes
    from audit.errors import NoteInvalid

    name = keys.verifier().name
    root = "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="
    note = notes.sign(text.format(origin=name, root=root), name, keys.signing_key())
    with pytest.raises(NoteInvalid):
        checkpoints.open_checkpoint(note)
    assert checkpoints.open_checkpoint(notes.sign(f"{name}\n5\n{root}\n", name, keys.signing_key())).size == 5


@pytest.mark.django_db
def test_a_large_batch_with_one_refused_entry_records_none_and_leaves_the_transaction_usable():
    drafts = [log.Draft("consent.given", SYSTEM, f"e:{number}") for number in range(1500)]
    drafts[1200] = log.Draft("consent.given", SYSTEM, "two words")
    with transaction.atomic():
        with pytest.raises(EntryNotAllowed):
            log.emit_many(drafts)
        kept = log.emit_many(drafts[:3])
        assert list(models.Entry.objects.order_by("id").values_list("id", flat=True)) == kept
    assert sequencer.sequence() == 3
    assert verify_log().verified


@pytest.mark.django_db
def test_rows_of_a_batch_are_those_of_single_entries():
    guardian = Actor(ActorKind.GUARDIAN, str(uuid7()))
    drafts = [
        log.Draft("consent.given", SYSTEM, 'rule:\u0105"\\', SubjectId(uuid7()), "newsletter", {"b": 1, "a": "\u00e9"}),
        log.Draft("consent.given", guardian, "", SubjectId(uuid7()), None, {"deep": [1.5, {"x": None}]}),
        log.Draft("consent.given", SYSTEM),
    ]
    with transaction.atomic():
        single = [
            log.emit(d.action, actor=d.actor, object=d.object, subject=d.subject, purpose=d.purpose, facts=d.facts)
            for d in drafts
        ]
        many = log.emit_many(drafts)
    rows = {row.id: row for row in models.Entry.objects.all()}
    links = {(link.entry_id, link.role): link.subject_id for link in models.SubjectLink.objects.all()}
    for one, other in zip(single, many, strict=True):
        for column in ("action", "object", "purpose", "transaction_id"):
            assert getattr(rows[one], column) == getattr(rows[other], column)
        for role in ("subject", "actor"):
            assert links.get((one, role)) == links.get((other, role))
    sequencer.sequence()
    assert verify_log().verified


def as_before(refused: bool = False) -> None:
    """The queue as versions before migration 0007 had it, with what is staged now."""
    entry, link = ", ".join(staging.ENTRY), ", ".join(staging.LINK)
    unguarded(
        "CREATE TABLE audit_pending (entry_id uuid PRIMARY KEY, leaf_hash bytea, writer uuid, number bigint, mac bytea, refused bool)"
    )
    sql("INSERT INTO audit_pending SELECT id, leaf_hash, writer, number, mac, %s FROM audit_staged", refused)
    for parent, child, names in (
        ("audit_entry", "audit_staged", entry),
        ("audit_subject_link", "audit_staged_link", link),
    ):
        unguarded(
            f"WITH put AS (DELETE FROM {child} RETURNING {names}) INSERT INTO {parent} ({names}) SELECT {names} FROM put"
        )


@pytest.mark.django_db
def test_what_waits_is_carried_into_the_tables_of_today():
    carry_over = importlib.import_module("audit.migrations.0007_entries_are_staged").carry_over
    write_log(3)
    ids = write(4, about=SubjectId(uuid7()))
    as_before()
    carry_over(apps, connection.schema_editor())
    assert sql("SELECT count(*) FROM ONLY audit_entry") == sql("SELECT count(*) FROM ONLY audit_subject_link") == [(3,)]
    assert sql("SELECT count(*) FROM audit_staged_link") == [(4,)]
    assert verify_log().verified
    assert sequencer.sequence() == 4
    assert list(models.Leaf.objects.order_by("seq").values_list("entry_id", flat=True))[3:] == ids
    assert verify_log().verified


@pytest.mark.django_db
def test_nothing_is_carried_over_while_it_is_not_clear_what_waits():
    carry_over = importlib.import_module("audit.migrations.0007_entries_are_staged").carry_over
    write(2)
    with undone():
        as_before(refused=True)
        with pytest.raises(RuntimeError, match="2 rows"):
            carry_over(apps, connection.schema_editor())
    with undone():
        as_before()
        unguarded("DELETE FROM audit_entry WHERE id = (SELECT min(entry_id::text)::uuid FROM audit_pending)")
        with pytest.raises(RuntimeError, match="1 rows"):
            carry_over(apps, connection.schema_editor())


@pytest.mark.django_db
def test_a_staged_row_leaves_for_the_log_alone():
    (entry,) = write(1, about=SubjectId(uuid7()))
    for statement in (
        "DELETE FROM audit_entry WHERE id = %s",
        "DELETE FROM audit_staged WHERE id = %s",
        "DELETE FROM audit_subject_link WHERE entry_id = %s",
        "UPDATE audit_staged SET number = 7 WHERE id = %s",
        "UPDATE audit_staged_link SET salt = '' WHERE entry_id = %s",
    ):
        with pytest.raises(DatabaseError), transaction.atomic():
            sql(statement, entry)
    assert sequencer.sequence() == 1
    assert sql("SELECT tableoid::regclass::text FROM audit_entry WHERE id = %s", entry) == [("audit_entry",)]
    assert sql("SELECT tableoid::regclass::text FROM audit_subject_link WHERE entry_id = %s", entry) == [
        ("audit_subject_link",)
    ]


@pytest.mark.django_db
def test_rows_that_were_put_in_the_way_of_staged_ones_do_not_stop_the_numbering_and_are_noticed():
    columns = ", ".join(staging.ENTRY)
    (entry,) = write(1, about=SubjectId(uuid7()))
    for statement in (
        f"INSERT INTO audit_entry ({columns}) SELECT id, header || ' ', {', '.join(staging.ENTRY[2:])} FROM audit_staged WHERE id = %s",
        "INSERT INTO audit_subject_link SELECT entry_id, role, gen_random_uuid(), salt FROM audit_staged_link WHERE entry_id = %s",
    ):
        with undone():
            unguarded(statement, entry)
            assert not verify_log().verified
            assert sequencer.sequence() == 1
            report = verify_log()
            assert not report.verified
            assert report.first_bad.entry_id == entry
