"""A rotation of the log's key: logged under the old key, followed by both verifiers from whichever key they have."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from audit import keys, log, models, notes, sequencer
from audit.errors import LogBroken, NoteInvalid
from audit.heads import checkpoints, key_history
from audit.publication import bundles, receipts
from audit.verification import verify_log
from governance.kernel import secret_files
from governance.kernel.crypto import SigningKey
from tests.integration.audit.arrange import DANA, undone, unguarded, write_log
from tests.integration.audit.test_outside import judge, second_opinion

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def keys_of_its_own(tmp_path: Path, settings):
    settings.ZGODA_KEYS_DIR = tmp_path / "keys"
    secret_files.forget_cache()
    yield
    secret_files.forget_cache()


def vkey(where: Path, verifier: notes.Verifier) -> Path:
    where.write_text(f"{verifier}\n")
    return where


def test_verifiers_follow_rotations_from_any_of_the_keys(tmp_path: Path):
    ids = write_log(20, 30)
    old = keys.verifier()
    early = receipts.receipt(ids[3]).text
    second = sequencer.rotate_key(actor=DANA)
    ids += write_log(10)
    third = sequencer.rotate_key(actor=DANA)
    ids += write_log(7)
    assert len({old, second, third}) == 3
    assert keys.verifier() == third
    assert [rotation.seq for rotation in key_history.read().rotations] == [50, 62]
    assert checkpoints.open_checkpoint(checkpoints.at(51).note, [old]).size == 51
    with pytest.raises(NoteInvalid):
        checkpoints.open_checkpoint(checkpoints.at(51).note, [second])
    report = verify_log()
    assert report.verified, report.problems
    bundle = bundles.export(tmp_path / "bundle").directory
    (tmp_path / "receipt").write_text(early)
    for number, key in enumerate((old, second, third)):
        pinned = vkey(tmp_path / f"{number}.vkey", key)
        verdict = judge(bundle, pinned, "--receipt", str(tmp_path / "receipt"))
        assert verdict["verified"], verdict
        assert second_opinion(bundle, pinned)
    stranger = vkey(tmp_path / "stranger", notes.Verifier(old.name, SigningKey.generate().public_bytes))
    assert not judge(bundle, stranger)["verified"]
    assert not second_opinion(bundle, stranger)


def forge_rotation(old: SigningKey, to: SigningKey) -> None:
    """As somebody who has the database and a key of their own: an entry that hands the log over to that key."""
    name = keys.verifier().name
    before, after = (notes.Verifier(name, key.public_bytes) for key in (old, to))
    log.emit(key_history.ACTION, actor=DANA, facts=key_history.facts(before, after, to))
    sequencer.sequence()


def test_nobody_rotates_to_a_key_of_their_own_without_the_old_one(tmp_path: Path):
    write_log(20)
    pinned, mallory = keys.verifier(), SigningKey.generate()
    with undone():
        forge_rotation(keys.signing_key(), mallory)  # even written by us, it is not the key that we have
        with pytest.raises(LogBroken):
            write_log(1)
    # A log of their own up to the rotation, signed by their key, cannot claim to have become ours.
    with undone():
        write_log(5)
        for row in models.Checkpoint.objects.all():
            text = notes.text_of(row.note)
            forged = notes.sign(text, pinned.name, mallory)
            unguarded("UPDATE audit_checkpoint SET note = %s WHERE size = %s", forged, row.size)
        assert not verify_log().verified
        bundle = bundles.export(tmp_path / "forged").directory
        assert not judge(bundle, vkey(tmp_path / "log.vkey", pinned))["verified"]
        assert not second_opinion(bundle, tmp_path / "log.vkey")


def test_checkpoints_signed_by_a_retired_key_are_not_believed(tmp_path: Path):
    write_log(20)
    retired = keys.signing_key()
    sequencer.rotate_key(actor=DANA)
    write_log(4)
    head = checkpoints.latest()
    forged = checkpoints.sign(head.size, head.root, retired)
    unguarded("UPDATE audit_checkpoint SET note = %s WHERE size = %s", forged.note, head.size)
    assert not verify_log().verified
    bundle = bundles.export(tmp_path / "bundle").directory
    assert not judge(bundle, vkey(tmp_path / "old", notes.Verifier(head.origin, retired.public_bytes)))["verified"]


def test_a_changed_rotation_is_named(tmp_path: Path):
    write_log(20)
    sequencer.rotate_key(actor=DANA)
    write_log(4)
    unguarded(
        "UPDATE audit_entry SET header = replace(header, 'proof\":\"', 'proof\":\"A') WHERE action = 'log.key_rotated'"
    )
    report = verify_log()
    assert (report.first_bad.seq, report.first_bad.kind) == (20, "changed")


def test_a_rotation_that_was_cut_short_is_finished_by_the_next_batch(monkeypatch: pytest.MonkeyPatch):
    write_log(5)
    before = keys.verifier()

    def killed(public_bytes: bytes) -> bool:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(keys, "promote", killed)
        with pytest.raises(KeyboardInterrupt):
            sequencer.rotate_key(actor=DANA)
    assert keys.verifier() == before  # the entry is committed, the file not yet exchanged
    write_log(3)
    assert keys.verifier() == key_history.read().last != before
    assert verify_log().verified
    assert json.loads(models.Entry.objects.get(action=key_history.ACTION).header)["facts"]["old"] == str(before)
