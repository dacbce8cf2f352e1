"""The how-to from an empty service to a website form and a pipeline, run as it is written, against a server that listens."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.cache import cache
from django.core.mail import EmailMessage
from django.core.management import call_command
from django.test import Client

from governance.jobs.worker import drain
from pseudonymize import vault
from pseudonymize.vault import IdentifierKind
from tests.integration.privacy_center.conftest import link_in, token_in

ROOT = Path(__file__).parents[3]
PAGE = ROOT / "docs/how-to/put-a-form-on-a-website.md"
# Starts a server and empties the tables after it.
pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True)]


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", PAGE.read_text("utf-8"), re.MULTILINE | re.DOTALL)


def run(command: str) -> str:
    """A command as the page shows it."""
    out = StringIO()
    _, _, name, *arguments = shlex.split(command.removeprefix("$ "))
    call_command(name, *arguments, stdout=out)
    return out.getvalue().strip()


def test_the_how_to_works_as_written(
    live_server: Any, settings: Any, mailoutbox: list[EmailMessage], client: Client, tmp_path: Path
) -> None:
    cache.clear()
    settings.ZGODA_PUBLIC_URL = live_server.url
    define, answer, ask = (one.replace("http://127.0.0.1:8000", live_server.url) for one in blocks("python"))
    register, issue, check = blocks("console")
    scope: dict[str, Any] = {}
    exec(compile(define, PAGE.name, "exec"), scope)

    html = run(register)
    assert 'name="newsletter|email"' in html
    assert "integrity=" in html
    assert client.get("/forms/zgoda-form.js").status_code == 200

    exec(compile(answer, PAGE.name, "exec"), scope)
    drain()
    assert vault.find_subject(IdentifierKind.EMAIL, "alice@example.com") is None
    path = link_in(mailoutbox[-1])
    shown = client.get(path).content.decode()
    landed = client.post(path, {"presentation": token_in(shown), "newsletter|email": "yes"})["Location"]

    key = run(issue)
    exec(compile(ask, PAGE.name, "exec"), scope)
    subject = vault.find_subject(IdentifierKind.EMAIL, "alice@example.com")
    assert subject is not None
    who = {"subject": scope_id(subject)}
    assert scope["may_we"](key, **who)[:2] == (True, "consent_given")

    receipt = re.findall(r'href="([^"]+/receipt/[^"]+)"', client.get(landed).content.decode())[0]
    (tmp_path / "receipt.jwt").write_bytes(client.get(receipt).content)
    (tmp_path / "keys.json").write_bytes(client.get("/api/v1/consent/keys").content)
    assert "curl -s http://127.0.0.1:8000/api/v1/consent/keys > keys.json" in check
    script = check.splitlines()[1].removeprefix("$ python ").split()
    checked = subprocess.run(
        [sys.executable, str(ROOT / script[0]), *script[1:]], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert checked.returncode == 0, checked.stderr
    assert "genuine and unchanged" in checked.stdout

    client.post(landed.partition("?")[0], {"withdraw_everything": "1"})
    assert scope["may_we"](key, **who)[:2] == (False, "consent_withdrawn")


def scope_id(subject: Any) -> str:
    from governance.kernel.ids import opaque

    return opaque("sub", subject)
