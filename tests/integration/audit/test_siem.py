"""What leaves for a SIEM: in the forms that it reads, without personal fields, at least once, over TLS to a real server."""

from __future__ import annotations

import json
import re
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from django.db import transaction

from audit import log, tasks
from audit.errors import ExportFailed
from audit.publication import siem, siem_formats
from governance.kernel.ids import SubjectId, uuid7
from tests.integration.audit.arrange import DANA, write_log

pytestmark = pytest.mark.django_db


def certificate(where: Path) -> Path:
    """A key and a self-signed certificate for 127.0.0.1, in one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "siem")])
    now = datetime.now(UTC)
    built = (
        x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key()).serial_number(1)
        .not_valid_before(now - timedelta(days=1)).not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )  # fmt: skip
    file = where / "siem.pem"
    file.write_bytes(
        key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()) + built.public_bytes(Encoding.PEM)
    )
    return file


class Receiver:
    """A syslog server over TLS (RFC 5425). ``breaks`` makes it fall over after so many bytes, ``silent`` before its goodbye, once."""

    def __init__(self, pem: Path) -> None:
        self.messages: list[bytes] = []
        self.breaks: int | None = None
        self.silent = False
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(pem)
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]

    def serve(self) -> None:
        while True:
            try:
                plain, _ = self.listener.accept()
            except OSError:
                return
            try:
                self.take(self.context.wrap_socket(plain, server_side=True))
            except (ssl.SSLError, ConnectionError):
                plain.close()

    def take(self, secured: ssl.SSLSocket) -> None:
        data = b""
        while part := secured.recv(4096):
            data += part
            if self.breaks is not None and len(data) > self.breaks:
                self.breaks = None
                secured.close()
                return
        if self.silent:
            self.silent = False
            secured.close()
            return
        while data:
            length, _, rest = data.partition(b" ")
            self.messages.append(rest[: int(length)])
            data = rest[int(length) :]
        secured.unwrap()
        secured.close()


@contextmanager
def receiving(pem: Path) -> Iterator[Receiver]:
    receiver = Receiver(pem)
    thread = threading.Thread(target=receiver.serve, daemon=True)
    thread.start()
    try:
        yield receiver
    finally:
        receiver.listener.shutdown(socket.SHUT_RDWR)
        receiver.listener.close()
        thread.join(5)


def sequences(receiver: Receiver) -> list[int]:
    return [int(re.search(rb'seq="(\d+)"', message)[1]) for message in receiver.messages]


def test_every_entry_arrives_at_least_once_also_when_the_receiver_falls_over(tmp_path: Path, settings, monkeypatch):
    monkeypatch.setattr(siem, "BATCH", 10)
    pem = certificate(tmp_path)
    write_log(23)
    with receiving(pem) as receiver:
        settings.ZGODA_SIEM_URL = f"syslog+tls://127.0.0.1:{receiver.port}?format=ocsf"
        settings.ZGODA_SIEM_CA = pem
        receiver.breaks = 3000
        with pytest.raises(ExportFailed):
            siem.forward()
        assert siem.position(settings.ZGODA_SIEM_URL) == 0
        assert siem.forward() == 23
        assert siem.forward() == 0
        write_log(4)
        tasks.export()
        assert siem.position(settings.ZGODA_SIEM_URL) == 27
    assert sequences(receiver) == list(range(27))
    with pytest.raises(ExportFailed):
        write_log(1)
        siem.forward()  # nobody listens any more
    assert siem.position(settings.ZGODA_SIEM_URL) == 27


def test_a_receiver_with_another_certificate_gets_nothing(tmp_path: Path, settings):
    pem = certificate(tmp_path)
    (tmp_path / "other").mkdir()
    write_log(3)
    with receiving(pem) as receiver:
        settings.ZGODA_SIEM_URL = f"syslog+tls://127.0.0.1:{receiver.port}"
        settings.ZGODA_SIEM_CA = certificate(tmp_path / "other")
        with pytest.raises(ExportFailed):
            siem.forward()
    assert receiver.messages == []
    settings.ZGODA_SIEM_URL = "udp://127.0.0.1:514"
    with pytest.raises(ExportFailed):
        siem.forward()
    settings.ZGODA_SIEM_URL = ""
    assert siem.forward() == 0


def sample(*, personal: bool) -> siem_formats.Event:
    with transaction.atomic():
        log.emit("identity.revealed", actor=DANA, object="case:a=b|c]\"d", subject=SubjectId(uuid7()), purpose="fraud",
                 facts={"ticket": 'x"]='})  # fmt: skip
    write_log(1)
    return next(one for one in siem.events(0, 10, personal=personal) if one.action == "identity.revealed")


def test_personal_fields_stay_here_unless_asked_for():
    for form in siem_formats.Format:
        hidden = siem_formats.syslog(sample(personal=False), form, "zgoda.example").decode()
        assert DANA.id not in hidden
        assert "a=b" not in hidden
        assert "ticket" not in hidden
        assert re.search(r"staff:[0-9a-f]{16}", hidden)
    shown = siem_formats.syslog(sample(personal=True), siem_formats.Format.OCSF, "zgoda.example").decode()
    assert DANA.id in shown
    assert "ticket" in shown


def test_the_forms_are_those_of_the_standards():
    one = sample(personal=True)
    said = siem_formats.ocsf(one)
    assert (said["class_uid"], said["category_uid"], said["type_uid"]) == (6001, 6, 600199)
    assert said["metadata"]["version"] == "1.6.0"
    assert said["time"] == int(one.at.timestamp() * 1000)
    cef = siem_formats.cef(one)
    assert cef.startswith("CEF:0|Zgoda|Zgoda|1|identity.revealed|identity.revealed|6|")
    assert r"cs1=case:a\=b|c]" in cef
    message = siem_formats.syslog(one, siem_formats.Format.PLAIN, "zgoda.example").decode()
    head = re.fullmatch(
        r"<(\d+)>1 (\S+) zgoda\.example zgoda - identity\.revealed \[zgoda@32473 (.*?[^\\])\] \ufeffidentity\.revealed",
        message,
    )
    assert head
    assert int(head[1]) == 13 * 8 + 4
    assert datetime.fromisoformat(head[2]) == one.at
    assert r'object="case:a=b|c\]\"d"' in head[3]
    assert json.loads(json.dumps(said)) == said


def test_an_end_without_goodbye_is_no_receipt(tmp_path: Path, settings):
    """A connection that just ends may be a receiver that fell over with all of it in memory."""
    pem = certificate(tmp_path)
    write_log(3)
    with receiving(pem) as receiver:
        settings.ZGODA_SIEM_URL = f"syslog+tls://127.0.0.1:{receiver.port}"
        settings.ZGODA_SIEM_CA = pem
        receiver.silent = True
        with pytest.raises(ExportFailed):
            siem.forward()
        assert siem.forward() == 3
    assert sequences(receiver) == [0, 1, 2]
