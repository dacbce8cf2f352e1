"""How the story is told: a heading a step, progress bars, figures with their measured time. With `--json` all of it goes to stderr."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from governance.kernel.progress import Progress as Report


class Narrator:
    """Prints as the story goes and keeps the seconds that each step took."""

    def __init__(self, *, quiet_stdout: bool) -> None:
        self.console = Console(stderr=quiet_stdout, highlight=False)
        if not self.console.is_terminal:
            self.console.width = 120  # a file has no width of its own
        self.seconds: dict[str, float] = {}
        self.titles: dict[str, str] = {}

    @contextmanager
    def step(self, key: str, title: str) -> Iterator[None]:
        """One numbered step; its time is kept under `key`."""
        self.console.print(f"\n[bold]{len(self.seconds) + 1}. {title}[/bold]")
        started = time.perf_counter()
        yield
        self.seconds[key] = round(time.perf_counter() - started, 2)
        self.titles[key] = title
        self.console.print(f"   [dim]{self.seconds[key]:.1f} s[/dim]")

    def say(self, sentence: str) -> None:
        self.console.print(f"   {sentence}")

    def quote(self, text: str) -> None:
        """Words as somebody else reads them."""
        for line in text.splitlines():
            self.console.print(f"     [italic]│ {line}[/italic]")

    def table(self, title: str, columns: list[str], rows: list[list[Any]]) -> None:
        table = Table(title=title, title_justify="left", show_edge=False, pad_edge=False)
        for position, column in enumerate(columns):
            table.add_column(column, justify="left" if position == 0 else "right")
        for row in rows:
            table.add_row(*(str(cell) for cell in row))
        self.console.print()
        self.console.print(table)

    @contextmanager
    def progress(self, what: str) -> Iterator[Report]:
        """A bar for long work; plain lines where nobody looks at a terminal."""
        columns = (TextColumn("   {task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
        with Progress(*columns, console=self.console, transient=not self.console.is_terminal) as bar:
            task = bar.add_task(what, total=None)

            def report(done: int, total: int) -> None:
                bar.update(task, completed=done, total=total)

            yield report
