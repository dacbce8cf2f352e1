"""A house of its own for a test: a directory with database, keys and broker, driven from outside like a deployment."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import textwrap
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]


class House:
    """Runs `manage.py` and scripts with the environment of one deployment."""

    def __init__(self, directory: Path, **environment: str) -> None:
        self.directory = directory
        self.environment = {
            **{
                name: value
                for name, value in os.environ.items()
                if not name.startswith(("ZGODA_", "DATABASE_URL", "PYTEST", "DJANGO_"))
            },
            "ZGODA_VAR": str(directory),
            "PYTHONPATH": str(ROOT),
            "DJANGO_SETTINGS_MODULE": "governance.settings",
            **environment,
        }

    def manage(self, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, str(ROOT / "manage.py"), *arguments]
        finished = subprocess.run(command, env=self.environment, cwd=ROOT, capture_output=True, text=True, check=False)
        if check and finished.returncode:
            raise AssertionError(
                f"manage.py {' '.join(arguments)} ended with {finished.returncode}:\n{finished.stderr[-4000:]}"
            )
        return finished

    def run(self, script: str) -> Any:
        """Run Python inside the house; the JSON that it prints last comes back."""
        code = "import django, json; django.setup()\n" + textwrap.dedent(script)
        command = [sys.executable, "-c", code]
        finished = subprocess.run(command, env=self.environment, cwd=ROOT, capture_output=True, text=True, check=False)
        if finished.returncode:
            raise AssertionError(finished.stderr[-4000:])
        return json.loads(finished.stdout.strip().splitlines()[-1]) if finished.stdout.strip() else None

    def serve(self, port: int) -> subprocess.Popen[bytes]:
        command = [sys.executable, str(ROOT / "manage.py"), "serve", "--port", str(port)]
        with (self.directory / "serve.log").open("ab") as log:
            return subprocess.Popen(command, env=self.environment, cwd=ROOT, stdout=log, stderr=log)

    def dump(self, path: Path) -> None:
        """`pg_dump` of the house's database."""
        program, connection = _pg_dump(self.environment)
        with path.open("wb") as file:
            subprocess.run([program, *connection], stdout=file, check=True, env=self.environment)


def _pg_dump(environment: dict[str, str]) -> tuple[str, list[str]]:
    if url := environment.get("DATABASE_URL"):
        return "pg_dump", [url]
    from governance import embedded

    host = embedded.ensure_running(Path(environment["ZGODA_VAR"]) / "postgres")
    return str(embedded.binaries() / "pg_dump"), ["-h", host, "-U", "postgres", "postgres"]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def post(url: str, body: Any, key: str) -> Any:
    """POST JSON to the house on loopback. Raises OSError when it does not answer, HTTPError when it refuses."""
    headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
    request = urllib.request.Request(url, json.dumps(body).encode(), headers)
    with urllib.request.urlopen(request, timeout=30) as response:
        return json.load(response)


def ready(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=5) as response:
            return bool(response.status == 200)
    except (OSError, urllib.error.URLError):
        return False
