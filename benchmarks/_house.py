"""A house to measure in: the embedded server in a directory of its own, with every table."""

from __future__ import annotations

import atexit
import contextlib
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path


@contextlib.contextmanager
def house() -> Iterator[Path]:
    """Django on a fresh embedded database; the yielded directory is for files. Everything is gone afterwards.

    Call it before anything of the project that needs Django is imported, once per process.
    """
    with tempfile.TemporaryDirectory(prefix="zgoda-bench-", ignore_cleanup_errors=True) as made:
        directory = Path(made)
        directory.chmod(0o755)  # the embedded server has an account of its own
        os.environ.pop("DATABASE_URL", None)
        os.environ.update(ZGODA_VAR=str(directory / "var"), DJANGO_SETTINGS_MODULE="governance.settings")
        import django
        from django.core.management import call_command
        from django.db import connections

        django.setup()
        call_command("migrate", verbosity=0)
        files = directory / "files"
        files.mkdir()
        try:
            yield files
        finally:
            from governance import embedded

            connections.close_all()
            atexit.unregister(embedded._leave)  # it would look for the directory that is gone by then
            embedded.stop(directory / "var" / "postgres")
