"""The certificate under attack, and without the service."""

from __future__ import annotations

import base64
import io
import json
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dsar import certificates
from dsar.errors import CertificateInvalid
from governance.jobs.worker import drain
from governance.kernel.crypto import SigningKey, jws_sign
from governance.kernel.ids import SubjectId
from tests.integration.dsar.conftest import Desk

pytestmark = pytest.mark.django_db


@pytest.fixture
def token(desk: Desk, erin: SubjectId) -> str:
    request_id = desk.approved()
    drain()
    return certificates.of(request_id).jws


def body_of(token: str) -> dict[str, object]:
    part = token.split(".")[1]
    return json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))


def test_any_changed_character_is_noticed(token: str) -> None:
    key = certificates.public_key()

    @settings(max_examples=150, suppress_health_check=list(HealthCheck))
    @given(st.integers(0, len(token) - 1), st.characters(codec="ascii", categories=["L", "N"]))
    def changed(place: int, character: str) -> None:
        forged = token[:place] + character + token[place + 1 :]
        if forged == token or place == len(token) - 1:
            return  # the last character of base64url carries bits that do not count
        with pytest.raises(CertificateInvalid):
            certificates.verify(forged, key)

    changed()


def test_another_key_another_type_and_nonsense_do_not_pass(token: str) -> None:
    mallory = SigningKey.generate()
    body = body_of(token)
    with pytest.raises(CertificateInvalid):
        certificates.verify(token, mallory.public_bytes)
    with pytest.raises(CertificateInvalid):
        certificates.verify(jws_sign(mallory, body, certificates.TYP), certificates.public_key())
    from dsar.keyring import signing_key

    with pytest.raises(CertificateInvalid):
        certificates.verify(jws_sign(signing_key(), body, "zgoda-package+jwt"), certificates.public_key())
    with pytest.raises(CertificateInvalid):
        certificates.verify(jws_sign(signing_key(), {"version": 1}, certificates.TYP), certificates.public_key())
    for text in ("", "a.b.c", "…", "eyJhbGciOiJub25lIn0.e30.", token[:-20], f"{token}.x"):
        with pytest.raises(CertificateInvalid):
            certificates.verify(text, certificates.public_key())


def test_the_command_verifies_with_the_public_key_alone(token: str, tmp_path: Path) -> None:
    file = tmp_path / "certificate.jwt"
    file.write_text(token + "\n")
    out = io.StringIO()
    call_command("verify_certificate", str(file), public_key=certificates.public_key().hex(), stdout=out)
    assert "Verified." in out.getvalue()
    assert "0 left in" in out.getvalue()
    with pytest.raises(CommandError):
        call_command("verify_certificate", str(file), public_key="00" * 32)
    file.write_text(token.replace(".", "..", 1))
    with pytest.raises(CommandError):
        call_command("verify_certificate", str(file))
