"""Check a certificate of erasure: `manage.py verify_certificate FILE [--public-key HEX]`. Exit code 1 when it does not hold."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from dsar import certificates
from dsar.errors import CertificateInvalid


class Command(BaseCommand):
    """Verify a certificate with the public key alone, and say in words what it says."""

    help = "Verify a certificate of erasure and print what it says."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", help="The certificate (.jwt), or - for standard input.")
        parser.add_argument("--public-key", help="64 hexadecimal digits; the key of this service unless given.")

    def handle(self, *args: Any, **options: Any) -> None:
        token = sys.stdin.read() if options["file"] == "-" else self._file(Path(options["file"]))
        try:
            key = bytes.fromhex(options["public_key"]) if options["public_key"] else certificates.public_key()
        except ValueError as error:
            raise CommandError("The public key is not hexadecimal.") from error
        try:
            certificate = certificates.verify(token, key)
        except CertificateInvalid as error:
            raise CommandError("Not verified: not a certificate of this key, or it was changed.") from error
        self.stdout.write(f"Verified. Signed with key {certificate.key_id} by {certificate.controller}.")
        self.stdout.write(
            f"{certificate.reference}: received {certificate.received_on}, completed {certificate.completed_at}."
        )
        for store in certificate.stores:
            self.stdout.write(
                f"  {store.source}: found {store.found}, deleted {store.deleted}, anonymised {store.anonymised}, shredded {store.shredded}"
            )
            for kept in store.retained:
                until = f" until {kept.until}" if kept.until else ""
                self.stdout.write(f"    kept {kept.count} of {kept.table}{until}: {kept.ground}")
        self.stdout.write(f"Search afterwards: {certificate.residual} left in {certificate.tables_searched} tables.")
        self.stdout.write(f"Backups unreadable by {certificate.backups_unreadable_by}.")

    def _file(self, path: Path) -> str:
        try:
            return path.read_text("ascii")
        except (OSError, UnicodeDecodeError) as error:
            raise CommandError(f"Cannot read {path.name}: {type(error).__name__}.") from error
