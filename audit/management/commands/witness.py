"""``manage.py witness``: watch somebody else's log, and cosign its checkpoints as long as it only grows."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from audit import notes
from audit.errors import NoteInvalid, WitnessBusy
from audit.heads.witness import Witness, serve
from governance.kernel import crypto
from governance.kernel.secret_files import secret_file


class Command(BaseCommand):
    help = "Run a witness (C2SP tlog-witness): another party's check that the log never shows two histories."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--name", required=True, help="the witness's name, as in witness.example/w1")
        parser.add_argument("--key", required=True, type=Path, help="file of its key; made on first use")
        parser.add_argument("--state", required=True, type=Path, help="file of what it has cosigned; never lose it")
        parser.add_argument(
            "--log", required=True, action="append", type=Path, help="file with keys of a log, one a line"
        )
        parser.add_argument("--listen", default="127.0.0.1:8091", help="host:port")

    def handle(self, *args: Any, **options: Any) -> None:
        key = crypto.SigningKey.from_bytes(secret_file(options["key"], lambda: crypto.SigningKey.generate().raw))
        host, _, port = options["listen"].rpartition(":")
        try:
            logs = [
                notes.Verifier.parse(line) for file in options["log"] for line in file.read_text().splitlines() if line
            ]
            witness = Witness(options["name"], key, logs, options["state"])
        except (OSError, NoteInvalid, WitnessBusy) as error:
            raise CommandError(f"Cannot start: {error}") from error
        with serve(witness, host, int(port)) as server:
            self.stdout.write(f"{witness.verifier}")
            self.stdout.write(f"listening on {host}:{server.server_address[1]}")
            self.stdout.flush()
            try:
                server.serve_forever()
            except KeyboardInterrupt:
                witness.close()
