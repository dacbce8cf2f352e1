"""What a careful forger does: more than one row at a time, with hashes that fit, checkpoints that are signed, or keys of their own."""

from __future__ import annotations

import base64
import os
import random
from collections.abc import Callable, Iterator

import pytest

from audit import keys, models, notes, sequencer
from audit.heads import checkpoints
from audit.merkle import leaf_hash, root_of
from audit.notes import Verifier
from audit.verification import Report, verify_log
from governance.kernel.crypto import SigningKey
from governance.kernel.ids import uuid7
from tests.integration.audit.arrange import sql, undone, unguarded, write, write_log
from tests.integration.audit.test_tampering import rewrite_tiles, shift

SIZE = 600
HEADS = (100, 400, 401, SIZE)
pytestmark = pytest.mark.django_db
Forgery = Callable[[random.Random, list], tuple[Report, int | None]]


@pytest.fixture(scope="module")
def whole_log(django_db_setup, django_db_blocker) -> Iterator[list]:
    """One log for all tests here, in a transaction that is rolled back at the end."""
    with django_db_blocker.unblock(), undone():
        yield write_log(100, 300, 1, 199)


@pytest.fixture
def ids(whole_log: list, db: None) -> Iterator[list]:
    with undone():
        yield list(whole_log)


def _two(rng: random.Random) -> tuple[int, int]:
    """From different batches, for entries of one batch share person and instant. All here share a transaction."""
    return rng.randrange(100), rng.randrange(100, SIZE)


def _exchange(table: str, columns: str, key: str, one: object, other: object) -> None:
    """Two rows exchange columns."""
    quoted = ", ".join(f'"{column}"' for column in columns.split())
    rows = {row[0]: row[1:] for row in sql(f"SELECT {key}, {quoted} FROM {table} WHERE {key} IN (%s, %s)", one, other)}
    assert rows[one] != rows[other]
    values = ", ".join(f'"{column}" = %s' for column in columns.split())
    for to, of in ((one, other), (other, one)):
        unguarded(f"UPDATE {table} SET {values} WHERE {key} = %s", *rows[of], to)


def exchanged_columns(rng: random.Random, ids: list) -> tuple[Report, int | None]:
    one, other = _two(rng)
    columns = rng.choice(
        ["header", "header leaf_hash", "leaf_hash", "occurred_at", "subject_tag", "occurred_at transaction_id"]
    )  # fmt: skip
    _exchange("audit_entry", columns, "id", ids[one], ids[other])
    return verify_log(), one


def exchanged_rows_under_their_ids(rng: random.Random, ids: list) -> tuple[Report, int | None]:
    one, other = _two(rng)
    columns = "header leaf_hash action actor object purpose subject_tag occurred_at transaction_id"
    _exchange("audit_entry", columns, "id", ids[one], ids[other])
    return verify_log(), one


def exchanged_subjects(rng: random.Random, ids: list) -> tuple[Report, int | None]:
    one, other = _two(rng)
    _exchange(
        "audit_subject_link", rng.choice(["subject_id", "salt", "subject_id salt"]), "entry_id", ids[one], ids[other]
    )
    return verify_log(), one


def exchanged_hashes_of_the_index(rng: random.Random, ids: list) -> tuple[Report, int | None]:
    one, other = _two(rng)
    _exchange("audit_leaf", rng.choice(["leaf_hash", "mac", "leaf_hash mac"]), "seq", one, other)
    return verify_log(), one


def exchanged_tiles(rng: random.Random, ids: list) -> tuple[Report, int | None]:
    _exchange("audit_tile", rng.choice(["hashes", "root", "hashes root"]), '"index"', 0, 1)
    return verify_log(), None


def an_inserted_entry_whose_hashes_fit(rng: random.Random, ids: list) -> tuple[Report, int | None]:
    """Header, stored hash, index and tiles all agree; one bit of a real entry's tag stands in its row of the index."""
    at, of = rng.randrange(SIZE), rng.randrange(SIZE)
    shift(at, 1)
    forged = uuid7()
    unguarded(
        """
        INSERT INTO audit_entry (id, header, leaf_hash, action, actor, object, purpose, subject_tag, occurred_at, transaction_id)
        SELECT %s, replace(header, id::text, %s), sha256(('\\x00'::bytea || convert_to(replace(header, id::text, %s), 'UTF8'))),
            action, actor, object, purpose, subject_tag, occurred_at, transaction_id FROM audit_entry WHERE id = %s
        """,
        forged, str(forged), str(forged), ids[of],
    )  # fmt: skip
    ((header, stored),) = sql("SELECT header, leaf_hash FROM audit_entry WHERE id = %s", forged)
    assert leaf_hash(header.encode()) == bytes(stored)
    tag = sql("SELECT mac FROM audit_leaf WHERE entry_id = %s", ids[of])[0][0]
    unguarded("INSERT INTO audit_leaf VALUES (%s, %s, %s, %s)", at, forged, bytes(stored), bytes(tag))
    rewrite_tiles()
    return verify_log(), at


def a_rollback_to_an_older_database(rng: random.Random, ids: list) -> tuple[Report, int | None]:
    """Rows, checkpoints and tiles as they once were: only what was kept elsewhere tells."""
    kept = checkpoints.latest().note
    at = rng.choice(HEADS[:-1])
    unguarded("DELETE FROM audit_leaf WHERE seq >= %s", at)
    unguarded("DELETE FROM audit_entry WHERE id = ANY(%s)", ids[at:])
    unguarded("DELETE FROM audit_subject_link WHERE entry_id = ANY(%s)", ids[at:])
    unguarded("DELETE FROM audit_checkpoint WHERE size > %s", at)
    unguarded('DELETE FROM audit_tile WHERE ("index" + 1) * 256 > %s', at)
    assert verify_log().verified  # an honest log to whoever kept nothing
    return verify_log(known=[kept]), at


def _note(size: int, root: bytes, key: SigningKey) -> str:
    """A checkpoint as ours are written, signed by any key."""
    text = notes.text_of(checkpoints.at(HEADS[0]).note)
    origin, _, _, *rest = text.split("\n")
    return notes.sign("\n".join([origin, str(size), base64.b64encode(root).decode(), *rest]), origin, key)


def a_fork_shown_to_another_reader(rng: random.Random, ids: list) -> tuple[Report, int | None]:
    """The same size, another root, and our own signature: whoever holds the two has the proof. The first bad entry is not known
    any nearer than to the last head on which the two agree."""
    size = rng.choice(HEADS[1:])
    leaves = [bytes(row[0]) for row in sql("SELECT leaf_hash FROM audit_leaf WHERE seq < %s ORDER BY seq", size)]
    at = rng.randrange(size)
    leaves[at] = leaf_hash(b"what the other reader was shown")
    other = _note(size, root_of(leaves), keys.signing_key())
    return verify_log(known=[other]), max(head for head in (0, *HEADS) if head < size)


def a_history_signed_anew_under_another_key(rng: random.Random, ids: list) -> tuple[Report, int | None]:
    """One entry rewritten, the tree built and every checkpoint signed as the forger likes, under a key of the forger's own."""
    at = rng.randrange(SIZE)
    stranger = SigningKey.generate()
    unguarded("UPDATE audit_entry SET header = replace(header, '\"v\":1', '\"v\":2') WHERE id = %s", ids[at])
    ((header,),) = sql("SELECT header FROM audit_entry WHERE id = %s", ids[at])
    forged = leaf_hash(header.encode())
    unguarded("UPDATE audit_entry SET leaf_hash = %s WHERE id = %s", forged, ids[at])
    unguarded("UPDATE audit_leaf SET leaf_hash = %s WHERE seq = %s", forged, at)
    rewrite_tiles()
    leaves = [bytes(row[0]) for row in sql("SELECT leaf_hash FROM audit_leaf ORDER BY seq")]
    for size in HEADS:
        root = root_of(leaves[:size])
        unguarded(
            "UPDATE audit_checkpoint SET root = %s, note = %s WHERE size = %s", root, _note(size, root, stranger), size
        )
    return verify_log(), at


def _anywhere_in_a_note(rng: random.Random, ids: list) -> tuple[Report, int | None]:
    size = rng.choice(HEADS)
    note = checkpoints.at(size).note
    place = rng.randrange(len(note))
    changed = note[:place] + chr(ord(note[place]) ^ 1 << rng.randrange(7)) + note[place + 1 :]
    unguarded("UPDATE audit_checkpoint SET note = %s WHERE size = %s", changed.replace("\0", "0"), size)
    return verify_log(), None


FORGERIES: list[Forgery] = [
    exchanged_columns,
    exchanged_rows_under_their_ids,
    exchanged_subjects,
    exchanged_hashes_of_the_index,
    exchanged_tiles,
    an_inserted_entry_whose_hashes_fit,
    a_rollback_to_an_older_database,
    a_fork_shown_to_another_reader,
    a_history_signed_anew_under_another_key,
    _anywhere_in_a_note,
]


# Slow: the whole log is verified after each of them, closely. ZGODA_TAMPERS=2000 was the acceptance run.
@pytest.mark.slow
def test_no_forgery_goes_unnoticed_and_the_first_bad_entry_is_named(ids: list):
    rng = random.Random(int(os.environ.get("ZGODA_SEED", "20261121")))
    for turn in range(int(os.environ.get("ZGODA_TAMPERS", "40"))):
        forge = FORGERIES[turn % len(FORGERIES)]
        with undone():
            report, named = forge(rng, ids)
            assert not report.verified, (turn, forge.__name__)
            if named is not None:
                assert report.first_bad is not None, (turn, forge.__name__, report.problems)
                assert report.first_bad.seq == named, (turn, forge.__name__, named, report.problems)
    assert verify_log().verified


def test_a_checkpoint_is_believed_under_the_key_in_the_keys_directory_alone(ids: list, monkeypatch: pytest.MonkeyPatch):
    """Whoever can replace the key, too, and sign everything anew, does not open what was kept elsewhere."""
    kept = checkpoints.latest().note
    stranger = SigningKey.generate()
    for row in models.Checkpoint.objects.all():
        unguarded(
            "UPDATE audit_checkpoint SET note = %s WHERE size = %s",
            _note(row.size, bytes(row.root), stranger),
            row.size,
        )
    assert not verify_log().verified
    monkeypatch.setattr(keys, "signing_key", lambda: stranger)
    monkeypatch.setattr(keys, "verifier", lambda: Verifier(notes.text_of(kept).split("\n")[0], stranger.public_bytes))
    report = verify_log(known=[kept])
    assert not report.verified
    assert any("kept elsewhere" in problem for problem in report.problems)


def test_the_last_entries_and_their_checkpoint_taken_away_before_the_next_are_seen_by_what_was_kept(ids: list):
    write(7)
    sequencer.sequence()
    kept = checkpoints.latest().note
    newest = [row[0] for row in sql("SELECT entry_id FROM audit_leaf WHERE seq >= %s", SIZE)]
    unguarded("DELETE FROM audit_checkpoint WHERE size > %s", SIZE)
    unguarded("DELETE FROM audit_leaf WHERE seq >= %s", SIZE)
    unguarded("DELETE FROM audit_entry WHERE id = ANY(%s)", newest)
    report = verify_log(known=[kept])
    assert report.first_bad is not None
    assert (report.first_bad.seq, report.first_bad.kind) == (SIZE, "removed")
