"""`manage.py doctor`: every system check with its id and what to do about it, and the state of what the service stands on."""

from __future__ import annotations

import sys
from typing import Any

from django.core.checks import run_checks
from django.core.management.base import BaseCommand
from django.db import connection
from django.test import RequestFactory

from governance import health


class Command(BaseCommand):
    help = "Say what is wrong with this deployment and how to mend it. Exits with 1 when something is."

    def handle(self, *args: Any, **options: Any) -> None:
        problems = run_checks(include_deployment_checks=True)
        for problem in problems:
            self.stdout.write(f"{problem.id}: {problem.msg}")
            if problem.hint:
                self.stdout.write(f"    {problem.hint}")
        answer = health.readyz(RequestFactory().get("/readyz"))
        with connection.cursor() as cursor:
            cursor.execute("SELECT current_setting('server_version')")
            (version,) = cursor.fetchone()
        self.stdout.write(f"PostgreSQL {version}; {answer.content.decode()}")
        if problems or answer.status_code != 200:
            sys.exit(1)
