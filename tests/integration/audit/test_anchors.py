"""Checkpoints copied to a place outside the database show when the database is an older one."""

from __future__ import annotations

import random
from datetime import timedelta
from pathlib import Path

import boto3
import pytest
from django.db import transaction
from django.test import Client
from moto import mock_aws

from audit import keys, models, sequencer, verify
from audit.errors import AnchorFailed, AnchorsStale
from audit.heads import anchoring, anchors, buckets, checkpoints, timestamps
from audit.publication import bundles
from audit.verification import verify_log
from governance.kernel import clock
from tests.integration.audit.arrange import unguarded, write, write_log
from tests.integration.audit.authority import time_stamp_authority
from tests.integration.audit.test_outside import judge


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


@pytest.mark.django_db
def test_a_time_stamp_authority_vouches_for_the_head_and_the_verifier_checks_it_alone(tmp_path: Path, settings):
    write_log(20)
    with time_stamp_authority(tmp_path) as url:
        settings.ZGODA_LOG_TSA_URL, settings.ZGODA_LOG_TSA_ROOTS = url, tmp_path / "root.pem"
        assert anchoring.anchor_all() == []
        write_log(1)
        assert anchoring.anchor_all() == []  # once an hour is enough
    token = models.Anchor.objects.get(kind="timestamp")
    assert token.size == 20
    assert timestamps.verify(bytes(token.evidence), checkpoints.at(20).note, tmp_path / "root.pem")
    with pytest.raises(AnchorFailed):
        timestamps.verify(bytes(token.evidence), checkpoints.latest().note, tmp_path / "root.pem")
    bundle = bundles.export(tmp_path / "bundle").directory
    (tmp_path / "log.vkey").write_text(str(keys.verifier()))
    verdict = judge(bundle, tmp_path / "log.vkey", "--tsa-root", str(tmp_path / "root.pem"))
    assert verdict["verified"], verdict
    assert verdict["anchors"][0]["size"] == 20
    (tmp_path / "other").mkdir()
    with time_stamp_authority(tmp_path / "other"):
        pass
    stranger = judge(bundle, tmp_path / "log.vkey", "--tsa-root", str(tmp_path / "other" / "root.pem"))
    assert "no authority under the given roots" in stranger["problems"][0]


@pytest.mark.django_db
def test_no_flipped_bit_of_a_time_stamp_passes(tmp_path: Path):
    write_log(3)
    with time_stamp_authority(tmp_path) as url:
        note = checkpoints.latest().note
        response = timestamps.stamp(note, url, tmp_path / "root.pem")
        with pytest.raises(AnchorFailed):
            timestamps.stamp(note, url, tmp_path / "tsa.key")
    roots = (tmp_path / "root.pem").read_bytes()
    assert verify.verify_timestamp(response, note.encode(), roots)
    rng = random.Random(5)
    agreed = 0
    for _ in range(120):
        damaged = bytearray(response)
        damaged[rng.randrange(len(damaged))] ^= 1 << rng.randrange(8)
        try:
            verify.verify_timestamp(bytes(damaged), note.encode(), roots)
        except verify.Refused:
            agreed += 1
    assert agreed >= 90  # the rest lies in what nobody signed: a certificate that is not needed, the status text


@pytest.mark.django_db
def test_copies_in_a_bucket_are_written_once_and_show_an_older_database(settings, monkeypatch: pytest.MonkeyPatch):
    for name, value in {
        "AWS_ACCESS_KEY_ID": "a",
        "AWS_SECRET_ACCESS_KEY": "b",
        "AWS_DEFAULT_REGION": "eu-central-1",
    }.items():
        monkeypatch.setenv(name, value)
    with mock_aws():
        client = boto3.client("s3")
        client.create_bucket(Bucket="evidence", CreateBucketConfiguration={"LocationConstraint": "eu-central-1"})
        settings.ZGODA_LOG_ANCHOR_BUCKET = "s3://evidence/zgoda"
        write_log(10)
        assert anchoring.anchor_all() == []
        write_log(20)
        assert anchoring.anchor_all() == []
        names = [found["Key"] for found in client.list_objects_v2(Bucket="evidence")["Contents"]]
        assert names == [f"zgoda/{size:020d}" for size in (10, 30)]
        client.put_object(Bucket="evidence", Key="zgoda/x", Body=b"")  # beside ours, and no copy
        client.delete_object(Bucket="evidence", Key="zgoda/x")
        assert buckets.keep("s3://evidence/zgoda", checkpoints.at(30)) == names[1].encode()
        report = verify_log()
        assert (report.verified, report.kept_elsewhere) == (True, 1)
        ids = [row[0] for row in unguarded_rows("SELECT entry_id FROM audit_leaf WHERE seq >= 10")]
        for table in ("audit_entry WHERE id", "audit_subject_link WHERE entry_id", "audit_leaf WHERE entry_id"):
            unguarded_rows(f"DELETE FROM {table} = ANY(%s)", ids)
        unguarded_rows("DELETE FROM audit_checkpoint WHERE size > 10")
        report = verify_log()
        assert (report.first_bad.seq, report.first_bad.kind) == (10, "removed")
        settings.ZGODA_LOG_ANCHOR_BUCKET = "s3://nowhere"
        assert anchoring.anchor_all() == [("bucket", "s3://nowhere")]


@pytest.mark.django_db
def test_what_must_not_happen_unseen_waits_when_all_anchors_fell_silent(settings, tmp_path: Path):
    anchors.require_fresh()  # nobody asked for anchors
    write_log(3)
    settings.ZGODA_LOG_ANCHOR_BUCKET = "s3://nowhere"
    with pytest.raises(AnchorsStale):
        anchors.require_fresh()
    models.Anchor.objects.create(
        kind="bucket", name="s3://nowhere", size=2, evidence=b"", anchored_at=clock.now() - timedelta(hours=23)
    )
    anchors.require_fresh()
    (state,) = verify_log().anchors
    assert (state.kind, state.size, state.fresh) == ("bucket", 2, True)
    (shown,) = Client().get("/readyz").json()["anchors"]
    assert shown.pop("age_seconds") >= 23 * 3600
    assert shown == {"kind": "bucket", "size": 2, "state": "fresh"}


def test_an_older_database_does_not_pass_on_the_machine_that_signed(transactional_db):
    write_log(10)
    write_log(5)
    assert verify_log().verified
    for table, column in (("audit_entry", "id"), ("audit_subject_link", "entry_id"), ("audit_leaf", "entry_id")):
        unguarded_rows(f"DELETE FROM {table} WHERE {column} IN (SELECT entry_id FROM audit_leaf WHERE seq >= 10)")
    unguarded_rows("DELETE FROM audit_leaf WHERE seq >= 10")
    unguarded_rows("DELETE FROM audit_checkpoint WHERE size > 10")
    report = verify_log()
    assert (report.first_bad.seq, report.first_bad.kind) == (10, "removed")
