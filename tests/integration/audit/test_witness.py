"""A witness that another party runs: it cosigns a log that grows, and no other; and what the log does with its answers."""

from __future__ import annotations

import base64
import json
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from django.test import Client

from audit import keys, merkle, models, notes, sequencer, tree, writers
from audit.errors import WitnessBusy
from audit.heads import anchoring, anchors, checkpoints
from audit.heads.witness import Witness, serve, submission
from audit.publication import bundles
from audit.verification import verify_log
from governance.kernel import outbound
from governance.kernel.crypto import SigningKey
from tests.integration.audit.arrange import undone, unguarded, write, write_log
from tests.integration.audit.test_outside import judge

pytestmark = pytest.mark.django_db
ORIGIN = "example.com/behind-the-sofa"


class Log:
    """A log of somebody else's, in memory."""

    def __init__(self, tag: str = "") -> None:
        self.key = SigningKey.generate()
        self.tree = merkle.Tree()
        self.tag = tag

    @property
    def verifier(self) -> notes.Verifier:
        return notes.Verifier(ORIGIN, self.key.public_bytes)

    def grow(self, count: int) -> None:
        first = self.tree.size
        self.tree.extend(merkle.leaf_hashes(f"{self.tag}{number}".encode() for number in range(first, first + count)))

    def note(self, key: SigningKey | None = None) -> str:
        root = base64.b64encode(self.tree.root()).decode()
        return notes.sign(f"{ORIGIN}\n{self.tree.size}\n{root}\n", ORIGIN, key or self.key)

    def body(self, old: int, **kwargs) -> bytes:
        return submission(old, self.tree.consistency_proof(old), self.note(**kwargs))


@pytest.fixture
def log() -> Log:
    log = Log()
    log.grow(10)
    return log


@pytest.fixture
def witness(log: Log, tmp_path: Path) -> Iterator[Witness]:
    witness = Witness("witness.example/w1", SigningKey.generate(), [log.verifier], tmp_path / "state.json")
    yield witness
    witness.close()


def test_it_cosigns_a_log_that_grows_and_the_signature_says_when(log: Log, witness: Witness):
    for old, more in ((0, 0), (10, 5), (15, 241), (256, 1), (257, 0)):
        log.grow(more)
        reply = witness.add_checkpoint(log.body(old))
        assert reply.status == 200
        at = notes.cosigned_at(log.note() + reply.body.decode(), witness.verifier)
        assert at > 1_700_000_000
        assert witness.size(ORIGIN) == log.tree.size


def test_it_answers_as_the_specification_says(log: Log, witness: Witness):
    assert witness.add_checkpoint(log.body(0)).status == 200
    stale = witness.add_checkpoint(log.body(0))
    assert (stale.status, stale.body, stale.content_type) == (409, b"10\n", "text/x.tlog.size")
    log.grow(6)
    good = log.body(10)
    assert witness.add_checkpoint(log.body(10, key=SigningKey.generate())).status == 403
    assert witness.add_checkpoint(good.replace(ORIGIN.encode(), b"example.org/other")).status == 404
    assert witness.add_checkpoint(good.replace(b"old 10", b"old 17")).status == 400
    assert witness.add_checkpoint(submission(10, [], log.note())).status == 422
    assert witness.add_checkpoint(submission(10, [bytes(32)] * 3, log.note())).status == 422
    for malformed in (b"", b"old 10", b"old 010\n\n", b"new 10\n\n" + log.note().encode(), good.replace(b"old 10", b"old -1"),
                      b"old 10\nx\n\n" + log.note().encode(), b"\xff\xfe", submission(10, [bytes(32)] * 64, log.note())):  # fmt: skip
        assert witness.add_checkpoint(malformed).status == 400
    assert witness.size(ORIGIN) == 10
    assert witness.add_checkpoint(good).status == 200


def test_it_never_cosigns_a_fork_also_after_a_restart(log: Log, tmp_path: Path):
    key = SigningKey.generate()
    witness = Witness("witness.example/w1", key, [log.verifier], tmp_path / "state.json")
    assert witness.add_checkpoint(log.body(0)).status == 200
    fork = Log(tag="other ")
    fork.key = log.key
    fork.grow(10)
    assert witness.add_checkpoint(fork.body(10)).status == 409  # the same size, another root
    fork.grow(20)
    assert witness.add_checkpoint(fork.body(10)).status == 422
    with pytest.raises(WitnessBusy):
        Witness("witness.example/w1", key, [log.verifier], tmp_path / "state.json")
    witness.close()
    again = Witness("witness.example/w1", key, [log.verifier], tmp_path / "state.json")
    assert again.size(ORIGIN) == 10
    assert again.add_checkpoint(fork.body(10)).status == 422
    assert again.add_checkpoint(fork.body(0)).status == 409
    kept = [json.loads(line) for line in (tmp_path / "state.json.forks").read_text().splitlines()]
    assert [line["note"].split("\n")[1] for line in kept] == ["10", "30", "30"]  # signed proof of what the log did
    again.close()


def test_two_submissions_at_once_never_turn_it_back(log: Log, witness: Witness):
    bodies = []
    witness.add_checkpoint(log.body(0))
    for _ in range(8):
        log.grow(3)
        bodies.append(log.body(10))
    statuses: list[int] = []
    threads = [
        threading.Thread(target=lambda body=body: statuses.append(witness.add_checkpoint(body).status))
        for body in bodies
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(statuses) == [200] + [409] * 7


@contextmanager
def witnessing(directory: Path, key_file: Path) -> Iterator[tuple[str, notes.Verifier]]:
    """``manage.py witness`` as a process of its own, with nothing of ours but the program."""
    command = [sys.executable, "manage.py", "witness", "--name", "dpo.example/w1", "--key", str(directory / "key"),
               "--state", str(directory / "state.json"), "--log", str(key_file), "--listen", "127.0.0.1:0"]  # fmt: skip
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parents[3])
    try:
        verifier = notes.Verifier.parse(process.stdout.readline())
        address = process.stdout.readline().rpartition(" ")[2].strip()
        yield f"http://{address}", verifier
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()
        process.stdout.close()


# Slow: the witness is a process of its own, and is killed and started again.
@pytest.mark.slow
def test_the_log_is_cosigned_by_a_process_of_another_party_that_refuses_another_history(tmp_path: Path, settings):
    (tmp_path / "log.vkey").write_text(f"{keys.verifier()}\n")
    write_log(20)
    with witnessing(tmp_path, tmp_path / "log.vkey") as (url, verifier):
        settings.ZGODA_LOG_WITNESSES = f"{url} {verifier}"
        assert anchoring.anchor_all() == []
        write_log(5)
        assert anchoring.anchor_all() == []
    (state,) = anchors.states()
    assert (state.kind, state.size, state.fresh) == ("witness", 25, True)
    with witnessing(tmp_path, tmp_path / "log.vkey") as (url, verifier):
        settings.ZGODA_LOG_WITNESSES = f"{url} {verifier}"
        with undone():  # an older database whose history goes on differently
            unguarded("DELETE FROM audit_leaf WHERE seq >= 20")
            unguarded("DELETE FROM audit_checkpoint WHERE size > 20")
            unguarded("DELETE FROM audit_anchor WHERE size > 20")
            unguarded("DELETE FROM audit_writer")
            write(9)
            writers.forget()
            sequencer.sequence()
            assert anchoring.anchor_all() == [("witness", "dpo.example/w1")]
            assert models.Entry.objects.filter(action="log.witness_refused").count() == 1
        write_log(3)
        assert anchoring.anchor_all() == []
    assert verify_log().verified
    bundle = bundles.export(tmp_path / "bundle").directory
    (tmp_path / "w1.vkey").write_text(str(verifier))
    verdict = judge(bundle, tmp_path / "log.vkey", "--witness", str(tmp_path / "w1.vkey"))
    assert verdict["verified"], verdict
    assert [(anchor["kind"], anchor["size"]) for anchor in verdict["anchors"]] == [("witness", 28)]
    (tmp_path / "w2.vkey").write_text(str(notes.Verifier("w2", SigningKey.generate().public_bytes, notes.COSIGNATURE)))
    assert not judge(bundle, tmp_path / "log.vkey", "--witness", str(tmp_path / "w2.vkey"))["verified"]
    head = Client().get("/log/checkpoint").content.decode()
    assert notes.cosigned_at(head, verifier)
    assert notes.open_note(head, [keys.verifier()])


def test_a_cosignature_over_something_else_is_not_kept_and_one_that_was_changed_is_found(tmp_path: Path, settings):
    write_log(20)
    key = SigningKey.generate()
    witness = Witness("dpo.example/w1", key, [keys.verifier()], tmp_path / "state.json")
    with serve(witness, "127.0.0.1", 0) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        url = f"http://127.0.0.1:{server.server_address[1]}"
        assert outbound.post(f"{url}/elsewhere", b"", "text/plain").status == 404
        settings.ZGODA_LOG_WITNESSES = f"{url} {witness.verifier}"
        assert anchoring.anchor_all() == []
        write_log(1)
        settings.ZGODA_LOG_WITNESSES = (
            f"{url} {notes.Verifier('dpo.example/w1', SigningKey.generate().public_bytes, notes.COSIGNATURE)}"
        )
        assert anchoring.anchor_all() == [("witness", "dpo.example/w1")]
        settings.ZGODA_LOG_WITNESSES = f"{url} {witness.verifier}"
        server.shutdown()
        thread.join()
    witness.close()
    assert verify_log().verified
    assert models.Anchor.objects.count() == 1
    moved = anchors.cosignatures(20).encode()
    size = checkpoints.latest().size
    unguarded("UPDATE audit_anchor SET evidence = %s, size = %s", moved, size)
    assert not verify_log().verified
    assert tree.root(size) == checkpoints.latest().root
