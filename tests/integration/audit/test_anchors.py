"""Checkpoints copied to a place outside the database show when the database is an older one."""

from __future__ import annotations

from pathlib import Path

import pytest

from audit import anchors, checkpoints, sequencer
from audit.verification import verify_log
from tests.integration.audit.arrange import unguarded, write, write_log


@pytest.mark.django_db(transaction=True)
def test_an_older_database_does_not_pass_when_checkpoints_are_copied_elsewhere(tmp_path: Path, settings):
    settings.ZGODA_LOG_ANCHOR_DIR = tmp_path / "media"
    write_log(10, 20)
    assert [file.name for file in sorted(anchors.directory().iterdir())] == [f"{size:020d}" for size in (10, 30)]
    assert anchors.kept() == [checkpoints.at(10).note, checkpoints.at(30).note]
    report = verify_log()
    assert (report.verified, report.kept_elsewhere) == (True, 2)
    ids = [row[0] for row in unguarded_rows("SELECT entry_id FROM audit_leaf WHERE seq >= 10")]
    unguarded_rows("DELETE FROM audit_entry WHERE id = ANY(%s)", ids)
    unguarded_rows("DELETE FROM audit_subject_link WHERE entry_id = ANY(%s)", ids)
    unguarded_rows("DELETE FROM audit_leaf WHERE seq >= 10")
    unguarded_rows("DELETE FROM audit_checkpoint WHERE size > 10")
    report = verify_log()
    assert not report.verified
    assert (report.first_bad.seq, report.first_bad.kind) == (10, "removed")


def unguarded_rows(statement: str, *parameters: object) -> list[tuple]:
    from django.db import transaction

    with transaction.atomic():
        return unguarded(statement, *parameters)


@pytest.mark.django_db(transaction=True)
def test_a_medium_that_fails_does_not_stop_the_log(tmp_path: Path, settings):
    (tmp_path / "file").write_text("")
    settings.ZGODA_LOG_ANCHOR_DIR = tmp_path / "file" / "below"
    write(3)
    assert sequencer.sequence() == 3
    assert anchors.kept() == []
    settings.ZGODA_LOG_ANCHOR_DIR = None
    assert anchors.kept() == []
    assert verify_log().kept_elsewhere == 0
