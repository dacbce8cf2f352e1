"""`manage.py classify_columns`: guess from samples what text columns without a category hold, and put it into the data map."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from governance.catalogue.classifying import classify
from governance.kernel.actors import SYSTEM
from pseudonymize.detection import LANGUAGES


class Command(BaseCommand):
    help = "Guess from samples what text columns without a category hold; what people have set stays."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--sample", type=int, default=1_000, help="distinct values looked at per column")
        parser.add_argument("--language", choices=LANGUAGES, default="en", help="language of the texts")
        parser.add_argument("--dry-run", action="store_true", help="only say what would be proposed")

    def handle(self, *args: Any, **options: Any) -> None:
        proposals = classify(
            actor=SYSTEM, sample=options["sample"], language=options["language"], write=not options["dry_run"]
        )
        for proposal in proposals:
            self.stdout.write(f"{proposal.table}.{proposal.column}: {proposal.category} ({proposal.confidence:.2f})")
        self.stdout.write(f"{len(proposals)} columns {'would be' if options['dry_run'] else 'were'} given a category.")
