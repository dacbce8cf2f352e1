"""What an outsider sees: a bundle that the one-file verifier judges alone, and the public endpoints; two verifiers that agree."""

from __future__ import annotations

import json
import random
import shutil
import subprocess
import sys
from io import StringIO
from pathlib import Path

import pytest
from cryptography.exceptions import InvalidSignature
from django.core.management import CommandError, call_command
from django.test import Client

from audit import keys, models
from audit.heads import checkpoints
from audit.publication import bundles, receipts
from audit.tiles import unpack_entries
from tests.integration.audit import second_verifier
from tests.integration.audit.arrange import undone, unguarded, write, write_log
from tests.integration.audit.test_decisions import VERIFIER

pytestmark = pytest.mark.django_db


@pytest.fixture(scope="module")
def exported(django_db_setup, django_db_blocker, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bundle of 600 entries under four checkpoints, its key beside it, and one receipt."""
    directory = tmp_path_factory.mktemp("outside")
    with django_db_blocker.unblock(), undone():
        ids = write_log(100, 300, 1, 199)
        bundles.export(directory / "bundle")
        (directory / "log.vkey").write_text(str(keys.verifier()))
        (directory / "entry.tlog-proof").write_text(receipts.receipt(ids[300]).text)
        (directory / "kept").write_text(checkpoints.at(400).note)
    return directory


@pytest.fixture
def bundle(exported: Path, tmp_path: Path) -> Path:
    shutil.copytree(exported / "bundle", tmp_path / "bundle")
    return tmp_path / "bundle"


def judge(bundle: Path, key: Path, *arguments: str) -> dict:
    """What verify.py, as it lies in the bundle, says in a process without this project or Django on its path."""
    command = [
        sys.executable,
        "-I",
        str(bundle / "verify.py"),
        str(bundle),
        "--public-key",
        str(key),
        "--json",
        *arguments,
    ]
    finished = subprocess.run(command, capture_output=True, text=True, cwd=bundle, check=False)
    assert finished.returncode in (0, 1), finished.stderr
    verdict = json.loads(finished.stdout)
    assert verdict["verified"] == (finished.returncode == 0)
    return verdict


def second_opinion(bundle: Path, key: Path) -> bool:
    def fetch(path: str) -> bytes | None:
        file = bundle / path
        return file.read_bytes() if file.is_file() else None

    try:
        second_verifier.verify(fetch, key.read_text())
    except (second_verifier.Wrong, InvalidSignature, ValueError):
        return False
    return True


def entries_file(bundle: Path, seq: int) -> tuple[Path, list[bytes], int]:
    index, place = divmod(seq, 256)
    name = bundle / "tile" / "entries" / (f"{index:03d}" if index < 2 else f"{index:03d}.p/88")
    return name, unpack_entries(name.read_bytes()), place


def rewrite(bundle: Path, entries: list[bytes]) -> None:
    for index in range(0, len(entries), 256):
        part = entries[index : index + 256]
        name = bundle / "tile" / "entries" / f"{index // 256:03d}"
        if len(part) < 256:
            name = name.with_name(f"{name.name}.p") / "88"
        name.write_bytes(b"".join(len(entry).to_bytes(2, "big") + entry for entry in part))


def all_entries(bundle: Path) -> list[bytes]:
    return [entry for seq in (0, 256, 512) for entry in entries_file(bundle, seq)[1]]


def test_the_verifier_alone_verifies_a_bundle_a_receipt_and_a_checkpoint_kept_elsewhere(exported: Path, bundle: Path):
    verdict = judge(
        bundle,
        exported / "log.vkey",
        "--receipt",
        str(exported / "entry.tlog-proof"),
        "--known",
        str(exported / "kept"),
    )
    assert verdict["verified"], verdict
    assert (verdict["entries"], verdict["receipts"], verdict["checkpoints"]) == (600, 1, 5)
    assert second_opinion(bundle, exported / "log.vkey")


def test_the_verifier_imports_neither_django_nor_us():
    program = f"import runpy, sys; sys.argv = ['verify.py', '--help']\ntry:\n runpy.run_path({str(VERIFIER)!r}, run_name='__main__')\n"
    program += "except SystemExit: pass\nassert not {name for name in sys.modules if name.split('.')[0] in "
    program += "{'django', 'audit', 'governance', 'rest_framework'}}"
    subprocess.run([sys.executable, "-I", "-c", program], check=True, capture_output=True)


@pytest.mark.parametrize("seq", [0, 255, 300, 512, 599])
def test_both_verifiers_refuse_a_changed_removed_added_or_moved_entry_and_the_file_names_it(
    exported: Path, bundle: Path, seq: int
):
    honest = all_entries(bundle)
    other = 0 if seq > 300 else 599
    moved = list(honest)
    moved[seq], moved[other] = moved[other], moved[seq]
    cases = {
        "changed": [*honest[:seq], honest[seq].replace(b'"v":1', b'"v":2'), *honest[seq + 1 :]],
        "removed": [*honest[:seq], *honest[seq + 1 :]],
        "added": [*honest[:seq], b'{"id":"forged"}', *honest[seq:]],
        "moved": moved,
    }
    for kind, entries in cases.items():
        rewrite(bundle, entries)
        verdict = judge(bundle, exported / "log.vkey")
        assert not verdict["verified"]
        assert (verdict["first_bad"]["seq"], verdict["first_bad"]["kind"]) == (
            min(seq, other) if kind == "moved" else seq,
            kind,
        )
        assert not second_opinion(bundle, exported / "log.vkey")


def test_both_verifiers_agree_on_random_damage(exported: Path, bundle: Path):
    rng = random.Random(11)
    judged = [
        path for path in bundle.rglob("*")
        if path.is_file() and ("tile" in path.parts or path.name in ("checkpoint", "checkpoints.jsonl"))
    ]  # fmt: skip
    for _ in range(12):
        file = rng.choice(judged)
        honest = file.read_bytes()
        damaged = bytearray(honest)
        damaged[rng.randrange(len(damaged))] ^= 1 << rng.randrange(8)
        file.write_bytes(damaged)
        verdict = judge(bundle, exported / "log.vkey")
        assert not verdict["verified"], file
        if file.name != "checkpoints.jsonl":  # the second verifier does not read older checkpoints
            assert not second_opinion(bundle, exported / "log.vkey"), file
        file.write_bytes(honest)
    assert judge(bundle, exported / "log.vkey")["verified"]


def test_a_careful_forger_who_rewrites_tiles_too_is_stopped_by_the_signature(exported: Path, bundle: Path):
    honest = all_entries(bundle)
    forged = [*honest[:5], honest[5].replace(b'"v":1', b'"v":2'), *honest[6:]]
    rewrite(bundle, forged)
    for index in range(3):
        hashes = b"".join(second_verifier.mth([entry]) for entry in forged[256 * index : 256 * index + 256])
        name = bundle / "tile" / "0" / (f"{index:03d}" if index < 2 else "002.p/88")
        name.write_bytes(hashes)
    (bundle / "tile" / "1" / "000.p" / "2").write_bytes(
        b"".join(second_verifier.mth(forged[at : at + 256]) for at in (0, 256))
    )
    verdict = judge(bundle, exported / "log.vkey")
    assert (verdict["first_bad"]["seq"], verdict["first_bad"]["kind"]) == (0, "changed")
    assert "checkpoint of size 100" in verdict["first_bad"]["detail"]
    assert not second_opinion(bundle, exported / "log.vkey")


def test_a_truncated_bundle_or_another_key_is_refused(exported: Path, bundle: Path, tmp_path: Path):
    note = (exported / "kept").read_text()
    newest = tmp_path / "newest"
    newest.write_text((bundle / "checkpoint").read_text())
    lines = (bundle / "checkpoints.jsonl").read_text().splitlines()
    (bundle / "checkpoints.jsonl").write_text("\n".join(lines[:2]) + "\n")
    (bundle / "checkpoint").write_text(note)
    verdict = judge(bundle, exported / "log.vkey", "--known", str(newest))
    assert (verdict["first_bad"]["kind"], verdict["first_bad"]["seq"]) == ("removed", 400)
    other = tmp_path / "other.vkey"
    other.write_text("PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW")
    assert not judge(bundle, other)["verified"]


def test_a_receipt_of_another_entry_is_refused(exported: Path, bundle: Path, tmp_path: Path):
    text = (exported / "entry.tlog-proof").read_text()
    for number, broken in enumerate(
        [text.replace("index 300", "index 301"), text.replace("extra eyJ", "extra eyK"), "nonsense"]
    ):
        file = tmp_path / f"{number}.tlog-proof"
        file.write_text(broken)
        verdict = judge(bundle, exported / "log.vkey", "--receipt", str(file))
        assert not verdict["verified"]
        assert verdict["receipts"] == 0


def test_unreadable_input_is_told_apart_from_a_bad_log(exported: Path, tmp_path: Path):
    for arguments in (
        [str(tmp_path), "--public-key", str(exported / "log.vkey")],
        [str(tmp_path), "--public-key", "/nowhere"],
    ):
        finished = subprocess.run(
            [sys.executable, "-I", str(VERIFIER), *arguments], capture_output=True, text=True, check=False
        )
        assert finished.returncode == 2
        assert "cannot verify" in finished.stderr


def test_monitors_read_the_public_log_and_the_second_verifier_verifies_it(client: Client):
    assert client.get("/log/checkpoint").content.decode().split("\n")[1] == "0"
    write_log(256, 300)

    def fetch(path: str) -> bytes | None:
        answer = client.get(f"/log/{path}")
        return answer.content if answer.status_code == 200 else None

    size, root = second_verifier.verify(fetch, str(keys.verifier()))
    assert (size, root) == (556, checkpoints.latest().root)
    assert client.get("/log/log.vkey").content.decode() == f"{keys.verifier()}\n"
    assert "immutable" in client.get("/log/tile/0/000").headers["Cache-Control"]
    assert client.get("/log/checkpoint").headers["Content-Type"] == "text/plain; charset=utf-8"
    assert client.get("/log/entries/000").content == client.get("/log/tile/entries/000").content


@pytest.mark.parametrize(
    "path",
    [
        "tile/0/001", "tile/0/001.p/45", "tile/0/000.p/0", "tile/0/000.p/256", "tile/0/000.p/01", "tile/0/000.p/", "tile/0/0",
        "tile/00/000", "tile/64/000", "tile/1/000", "tile/1/000.p/2", "tile/entries/001", "tile/entries/x000/000", "tile/entries/xxx",
    ],
)  # fmt: skip
def test_what_is_not_there_yet_or_is_spelt_otherwise_is_not_found(client: Client, path: str):
    write_log(300)
    assert client.get(f"/log/{path}").status_code == 404
    assert client.post("/log/checkpoint").status_code == 405


def test_the_commands_verify_and_export(tmp_path: Path):
    write_log(20)
    waiting = write(2)
    out = StringIO()
    call_command("export_log", "--out", str(tmp_path / "bundle"), stdout=out)
    assert "22 entries" in out.getvalue()
    with pytest.raises(CommandError, match="not empty"):
        call_command("export_log", "--out", str(tmp_path / "bundle"), stdout=out)
    out = StringIO()
    call_command("verify_log", "--json", "--known", str(tmp_path / "bundle" / "checkpoint"), stdout=out)
    assert json.loads(out.getvalue())["verified"] is True
    call_command("verify_log", stdout=StringIO())
    unguarded("DELETE FROM audit_entry WHERE id = %s", waiting[1])
    out = StringIO()
    with pytest.raises(CommandError):
        call_command("verify_log", stdout=out)
    assert "first bad entry: 21" in out.getvalue()
    with pytest.raises(CommandError, match="Cannot read"):
        call_command("verify_log", "--known", "/nowhere", stdout=out)
    assert models.Checkpoint.objects.count() == 2
