"""What verification says when somebody who owns the database changed, removed, added or moved entries, and covered it up."""

from __future__ import annotations

import json
import os
import random

import pytest
from django.db import transaction

from audit import keys, models, notes, sequencer, sources, staging, tasks, verification
from audit.heads import checkpoints
from audit.merkle import HASH_SIZE, leaf_hash, perfect_root
from audit.verification import Report, verify_log
from governance.jobs.worker import drain
from governance.kernel.actors import SYSTEM
from governance.kernel.crypto import SigningKey
from governance.kernel.ids import SubjectId, uuid7
from tests.integration.audit.arrange import sql, undone, unguarded, write, write_log

SIZE = 600  # two full tiles and a partial one
pytestmark = pytest.mark.django_db


@pytest.fixture(scope="module")
def whole_log(django_db_setup, django_db_blocker):
    """One log for all tests here, in a transaction that is rolled back at the end."""
    with django_db_blocker.unblock(), undone():
        yield write_log(100, 300, 1, 199)


@pytest.fixture
def ids(whole_log: list, db):
    with undone():
        yield list(whole_log)


def expect(report: Report, seq: int | None, kind: str) -> None:
    assert not report.verified
    assert report.problems
    assert report.first_bad is not None
    assert (report.first_bad.seq, report.first_bad.kind) == (seq, kind), report.problems


def forge_header(seq: int, was: str = '"v":1', becomes: str = '"v":2') -> bytes:
    """Change the header of an entry; returns its new leaf hash."""
    ((header,),) = unguarded(
        """
        UPDATE audit_entry SET header = replace(header, %s, %s)
        WHERE id = (SELECT entry_id FROM audit_leaf WHERE seq = %s) RETURNING header
        """,
        was, becomes, seq,
    )  # fmt: skip
    return leaf_hash(header.encode())


def rewrite_tiles() -> None:
    """Make all tiles fit the index again, as a careful forger would."""
    for tile in models.Tile.objects.filter(level=0):
        rows = sql("SELECT leaf_hash FROM audit_leaf WHERE seq >= %s ORDER BY seq LIMIT 256", tile.index * 256)
        hashes = b"".join(bytes(row[0]) for row in rows)
        if len(hashes) == 256 * HASH_SIZE:
            unguarded(
                'UPDATE audit_tile SET hashes = %s, root = %s WHERE level = 0 AND "index" = %s',
                hashes, perfect_root(hashes), tile.index,
            )  # fmt: skip


def shift(seq: int, by: int) -> None:
    """Renumber everything from `seq` on."""
    unguarded("UPDATE audit_leaf SET seq = seq + 1000000 WHERE seq >= %s", seq)
    unguarded("UPDATE audit_leaf SET seq = seq - 1000000 + %s WHERE seq >= 1000000", by)


def test_an_untouched_log_is_verified(ids: list):
    report = verify_log()
    assert (report.verified, report.first_bad, report.problems) == (True, None, ())
    assert (report.entries, report.checkpoint_size, report.checkpoints) == (SIZE, SIZE, 4)
    assert report.root_sha256 == checkpoints.latest().root.hex()


@pytest.mark.parametrize("seq", [0, 255, 256, 511, 512, 599])
@pytest.mark.parametrize("cover", ["header", "stored hash", "index", "tiles"])
def test_a_changed_entry_is_named_however_well_it_is_covered_up(ids: list, seq: int, cover: str):
    forged = forge_header(seq)
    if cover != "header":
        unguarded("UPDATE audit_entry SET leaf_hash = %s WHERE id = %s", forged, ids[seq])
    if cover in ("index", "tiles"):
        unguarded("UPDATE audit_leaf SET leaf_hash = %s WHERE seq = %s", forged, seq)
    if cover == "tiles":
        rewrite_tiles()
    report = verify_log()
    expect(report, seq, "changed")
    assert report.first_bad.entry_id == ids[seq]


@pytest.mark.parametrize("seq", [0, 256, 599])
@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("action", "'consent.withdrawn'"),
        ("actor", "'staff:nobody'"),
        ("object", "'consent_event:other'"),
        ("purpose", "'other'"),
        ("subject_tag", "''"),
        ("occurred_at", "occurred_at + interval '1 microsecond'"),
        ("transaction_id", "gen_random_uuid()"),
        ("leaf_hash", "sha256(leaf_hash)"),
    ],
)
def test_a_changed_column_is_named(ids: list, seq: int, column: str, value: str):
    unguarded(f"UPDATE audit_entry SET {column} = {value} WHERE id = %s", ids[seq])
    expect(verify_log(), seq, "changed")


@pytest.mark.parametrize("seq", [0, 255, 256, 512, 598, 599])
@pytest.mark.parametrize("cover", ["entry", "index row", "closed gap", "tiles"])
def test_a_removed_entry_is_named(ids: list, seq: int, cover: str):
    unguarded("DELETE FROM audit_entry WHERE id = %s", ids[seq])
    if cover != "entry":
        unguarded("DELETE FROM audit_leaf WHERE seq = %s", seq)
    if cover in ("closed gap", "tiles"):
        shift(seq + 1, -1)
    if cover == "tiles":
        rewrite_tiles()
    expect(verify_log(), seq, "removed")


@pytest.mark.parametrize("seq", [0, 256, 512, 599, 600])
def test_an_added_entry_is_named(ids: list, seq: int):
    shift(seq, 1)
    forged = uuid7()
    header = f'{{"action":"consent.given","actor":"system:x","at":"2026-01-01T00:00:00.000000Z","id":"{forged}","tx":"{forged}","v":1}}'
    unguarded(
        """
        INSERT INTO audit_entry (id, header, leaf_hash, action, actor, object, purpose, subject_tag, occurred_at, transaction_id)
        VALUES (%s, %s, %s, 'consent.given', 'system:x', '', '', '', '2026-01-01T00:00:00Z', %s)
        """,
        forged, header, leaf_hash(header.encode()), forged,
    )  # fmt: skip
    unguarded("INSERT INTO audit_leaf VALUES (%s, %s, %s, %s)", seq, forged, leaf_hash(header.encode()), b"m" * 32)
    expect(verify_log(), seq, "added")


@pytest.mark.parametrize(("one", "other"), [(0, 1), (5, 300), (300, 590), (513, 599)])
@pytest.mark.parametrize("how", ["numbers", "contents", "headers"])
def test_entries_that_changed_places_are_named(ids: list, one: int, other: int, how: str):
    if how == "numbers":
        unguarded(
            "UPDATE audit_leaf SET seq = -1000 - seq WHERE seq IN (%s, %s)".replace("-1000 - seq", "seq + 5000"),
            one,
            other,
        )
        unguarded("UPDATE audit_leaf SET seq = %s WHERE seq = %s", other, one + 5000)
        unguarded("UPDATE audit_leaf SET seq = %s WHERE seq = %s", one, other + 5000)
    elif how == "contents":
        rows = sql("SELECT seq, entry_id, leaf_hash FROM audit_leaf WHERE seq IN (%s, %s) ORDER BY seq", one, other)
        unguarded("UPDATE audit_leaf SET entry_id = gen_random_uuid() WHERE seq IN (%s, %s)", one, other)
        for (seq, _, _), (_, entry, hash_) in zip(rows, reversed(rows), strict=True):
            unguarded("UPDATE audit_leaf SET entry_id = %s, leaf_hash = %s WHERE seq = %s", entry, hash_, seq)
    else:
        rows = sql(
            "SELECT id, header, leaf_hash FROM audit_entry WHERE id IN (%s, %s) ORDER BY id", ids[one], ids[other]
        )
        for (entry, _, _), (_, header, hash_) in zip(rows, reversed(rows), strict=True):
            unguarded("UPDATE audit_entry SET header = %s, leaf_hash = %s WHERE id = %s", header, hash_, entry)
    expect(verify_log(), one, "moved")


def test_a_cut_off_tail_is_named_by_the_checkpoint_that_covered_it(ids: list):
    unguarded("DELETE FROM audit_leaf WHERE seq >= 550")
    unguarded("DELETE FROM audit_entry WHERE id = ANY(%s)", ids[550:])
    expect(verify_log(), 550, "removed")


def test_a_log_rolled_back_with_its_checkpoints_is_caught_by_a_checkpoint_kept_elsewhere(ids: list):
    kept = checkpoints.latest().note
    unguarded("DELETE FROM audit_leaf WHERE seq >= 401")
    unguarded("DELETE FROM audit_entry WHERE id = ANY(%s)", ids[401:])
    unguarded("DELETE FROM audit_checkpoint WHERE size > 401")
    unguarded('DELETE FROM audit_tile WHERE level = 0 AND "index" = 1')
    unguarded("DELETE FROM audit_subject_link WHERE entry_id = ANY(%s)", ids[401:])
    assert verify_log().verified  # an older database is an honest one to anybody who kept nothing
    expect(verify_log(known=[kept]), 401, "removed")
    write(300)  # and a history that went on differently is a fork
    sequencer.sequence()
    assert verify_log().verified
    expect(verify_log(known=[kept]), 401, "changed")


def test_a_checkpoint_kept_elsewhere_that_fits_is_no_problem(ids: list):
    kept = [row.note for row in models.Checkpoint.objects.all()]
    write_log(10)
    assert verify_log(known=kept).verified
    assert not verify_log(known=["not a note"]).verified


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE audit_checkpoint SET root = sha256(root) WHERE size = 400",
        "UPDATE audit_checkpoint SET size = 402 WHERE size = 401",
        "UPDATE audit_checkpoint SET note = replace(note, '400', '401') WHERE size = 400",
        "UPDATE audit_checkpoint SET note = '' WHERE size = 100",
        "DELETE FROM audit_checkpoint WHERE size = 600",
        'UPDATE audit_tile SET root = sha256(root) WHERE "index" = 1',
        "UPDATE audit_tile SET hashes = overlay(hashes placing '\\x00' from 100)",
        'DELETE FROM audit_tile WHERE "index" = 0',
        'INSERT INTO audit_tile SELECT 3, 7, hashes, root FROM audit_tile WHERE "index" = 0',
        "UPDATE audit_leaf SET mac = sha256(mac) WHERE seq = 7",
        "UPDATE audit_subject_link SET subject_id = gen_random_uuid() WHERE entry_id = (SELECT entry_id FROM audit_leaf WHERE seq = 3)",
        "UPDATE audit_subject_link SET salt = sha256(salt) WHERE entry_id = (SELECT entry_id FROM audit_leaf WHERE seq = 3)",
    ],
)
def test_damage_beside_the_entries_is_reported(ids: list, statement: str):
    unguarded(statement)
    report = verify_log()
    assert not report.verified
    assert report.problems


def test_checkpoints_of_another_key_are_not_believed(ids: list):
    other = SigningKey.generate()
    text = notes.open_note(checkpoints.latest().note, [keys.verifier()])
    unguarded("UPDATE audit_checkpoint SET note = %s WHERE size = 600", notes.sign(text, keys.verifier().name, other))
    report = verify_log()
    assert not report.verified
    assert "No known key" in report.problems[0]


def test_staged_entries_are_verified_too(ids: list):
    waiting = write(3)
    assert verify_log().verified
    assert verify_log().staged == 3
    columns = ", ".join(staging.ENTRY)
    cases = {
        "changed": "UPDATE audit_entry SET header = replace(header, '\"v\":1', '\"v\":2') WHERE id = %s",
        "added": f"WITH put AS (DELETE FROM audit_staged WHERE id = %s RETURNING {columns}) "
        f"INSERT INTO audit_entry ({columns}) SELECT {columns} FROM put",
    }
    for kind, statement in cases.items():
        with undone():
            unguarded(statement, waiting[1])
            expect(verify_log(), None, kind)
            assert verify_log().first_bad.entry_id == waiting[1]
    with undone():
        unguarded("DELETE FROM audit_entry WHERE id = %s", waiting[1])
        expect(verify_log(), None, "removed")
    with undone():
        unguarded("UPDATE audit_entry SET action = 'consent.refused' WHERE id = %s", waiting[1])
        expect(verify_log(), None, "changed")
    with undone():
        unguarded("UPDATE audit_entry SET header = 'no json' WHERE id = %s", ids[1])
        expect(verify_log(), 1, "changed")
    assert verify_log().verified


def _flip(table: str, column: str, where: str, of: object, bit: int) -> None:
    unguarded(
        f"UPDATE {table} SET {column} = set_bit({column}, {bit}, 1 - get_bit({column}, {bit})) WHERE {where} = %s", of
    )


def _tamper(rng: random.Random, ids: list) -> int | None:
    """One random act of tampering with the rows. Returns the number of the entry that must be named, None where none was touched."""
    one, other = sorted(rng.sample(range(SIZE), 2))
    match rng.randrange(14):
        case 0:
            ((header,),) = sql("SELECT header FROM audit_entry WHERE id = %s", ids[one])
            at = rng.randrange(len(header))
            flipped = header[:at] + chr(ord(header[at]) ^ 1 << rng.randrange(7)) + header[at + 1 :]
            unguarded("UPDATE audit_entry SET header = %s WHERE id = %s", flipped.replace("\0", "0"), ids[one])
        case 1:
            _flip("audit_leaf", rng.choice(["leaf_hash", "mac"]), "seq", one, rng.randrange(256))
        case 2:
            _flip("audit_entry", "leaf_hash", "id", ids[one], rng.randrange(256))
        case 3:
            unguarded("DELETE FROM audit_entry WHERE id = %s", ids[one])
        case 4:
            unguarded("DELETE FROM audit_leaf WHERE seq = %s", one)
            shift(one + 1, -1)
        case 5:
            unguarded("UPDATE audit_leaf SET seq = 5000 WHERE seq = %s", one)
            unguarded("UPDATE audit_leaf SET seq = %s WHERE seq = %s", one, other)
            unguarded("UPDATE audit_leaf SET seq = %s WHERE seq = 5000", other)
        case 6:
            _flip("audit_tile", "hashes", '"index"', rng.randrange(2), rng.randrange(256 * 256))
            return None
        case 7:
            _flip("audit_checkpoint", "root", "size", rng.choice([100, 400, 401, 600]), rng.randrange(256))
            return None
        case 8:
            _flip("audit_subject_link", "salt", "entry_id", ids[one], rng.randrange(256))
        case 9:
            unguarded("DELETE FROM audit_subject_link WHERE entry_id = %s", ids[one])
        case 10:  # truncation, with or without the checkpoint that would tell
            unguarded("DELETE FROM audit_leaf WHERE seq >= %s", one)
            unguarded("DELETE FROM audit_entry WHERE id = ANY(%s)", ids[one:])
            unguarded("DELETE FROM audit_checkpoint WHERE size > %s AND size < 600", one)
        case 11:  # insertion
            shift(one, 1)
            forged = uuid7()
            unguarded(
                "INSERT INTO audit_entry SELECT %s, header, leaf_hash, action, actor, object, purpose, subject_tag, occurred_at, "
                "transaction_id FROM audit_entry WHERE id = %s", forged, ids[other],
            )  # fmt: skip
            unguarded(
                "INSERT INTO audit_leaf SELECT %s, %s, leaf_hash, mac FROM audit_leaf WHERE seq = %s",
                one,
                forged,
                other,
            )
        case 12:  # a replaced key
            stranger = SigningKey.generate()
            size = rng.choice([100, 400, 401, 600])
            text = notes.text_of(checkpoints.at(size).note)
            note = notes.sign(text, keys.verifier().name, stranger)
            unguarded("UPDATE audit_checkpoint SET note = %s WHERE size = %s", note, size)
            return None
        case _:
            column = rng.choice(["action", "actor", "object", "purpose"])
            unguarded(f"UPDATE audit_entry SET {column} = {column} || 'x' WHERE id = %s", ids[one])
    return one


# Slow: the whole log is verified after each of them. ZGODA_TAMPERS=10000 is the acceptance run.
@pytest.mark.slow
def test_no_random_tamper_goes_unnoticed(ids: list):
    rng = random.Random(int(os.environ.get("ZGODA_SEED", "20261121")))
    for turn in range(int(os.environ.get("ZGODA_TAMPERS", "60"))):
        with undone():
            named = _tamper(rng, ids)
            report = verify_log()
            assert not report.verified, turn
            if named is not None:
                assert report.first_bad is not None, turn
                assert report.first_bad.seq == named, (turn, report.problems)
    assert verify_log().verified


# Slow: as above. ZGODA_HISTORIES=1000 is the acceptance run.
@pytest.mark.slow
def test_honest_histories_raise_no_alarm():
    rng = random.Random(7)
    for _ in range(int(os.environ.get("ZGODA_HISTORIES", "12"))):
        with undone(), transaction.atomic():
            people = [SubjectId(uuid7()) for _ in range(3)]
            for _ in range(rng.randint(1, 5)):
                write(rng.randint(1, 90), about=rng.choice(people))
                try:
                    with transaction.atomic():
                        write(rng.randint(1, 9))
                        if rng.random() < 0.5:
                            raise ValueError
                except ValueError:
                    pass
                if rng.random() < 0.7:
                    sequencer.sequence(batch=rng.randint(1, 60))
                if rng.random() < 0.3:
                    sources.EntryLinks().erase(rng.choice(people))
            report = verify_log()
            assert report.verified, report.problems


def test_the_daily_verification_keeps_its_result_as_an_entry(ids: list):
    tasks.verify_daily()
    tasks.verify_daily()  # once a day
    assert drain(kinds=["audit.verify"]).done == 1
    kept = models.Entry.objects.get(action="log.verified")
    assert json.loads(kept.header)["facts"]["entries"] == SIZE
    forge_header(300)
    verification.record(verify_log(), actor=SYSTEM)
    failed = models.Entry.objects.get(action="log.verification_failed")
    assert json.loads(failed.header)["facts"]["first_bad"] == {"kind": "changed", "seq": 300}
