"""A real Chromium for the end-to-end journeys: what a visit asked for and complained about is kept."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import pytest

# The browser's driver runs an event loop in this thread; the database is used from it all the same, and by it alone.
os.environ.setdefault("DJANGO_ALLOW_ASYNC_UNSAFE", "true")

CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
pytestmark = [
    pytest.mark.e2e,
    pytest.mark.slow,  # starts a browser and a server
    pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed (Debian: apt-get install chromium)."),
    pytest.mark.xdist_group("browser"),
]
ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--force-prefers-reduced-motion"]


@dataclass
class Visit:
    """A browser at work, and everything it asked for or complained about."""

    page: object
    base: str
    asked: set[str] = field(default_factory=set)
    complaints: list[str] = field(default_factory=list)

    def open(self, path: str) -> None:
        self.page.goto(f"{self.base}{path}")

    def tab_to(self, selector: str) -> None:
        """Reach an element as people do who use no mouse."""
        for _ in range(80):
            self.page.keyboard.press("Tab")
            if self.page.locator(f"{selector}:focus").count():
                return
        raise AssertionError(f"the keyboard does not reach {selector}")

    def press(self, selector: str) -> None:
        """Go to a button or link by keyboard and press it."""
        self.tab_to(selector)
        with self.page.expect_navigation():
            self.page.keyboard.press("Enter")

    def click(self, selector: str) -> None:
        """Press it with the mouse, and wait for the page that follows."""
        with self.page.expect_navigation():
            self.page.locator(selector).click()

    def choose(self, field_name: str, answer: str) -> None:
        """Answer one question by keyboard: space takes the first answer, the arrow the second."""
        self.tab_to(f'input[name="{field_name}"]')
        self.page.keyboard.press("Space" if answer == "yes" else "ArrowRight")
        assert self.page.locator(f'input[name="{field_name}"][value="{answer}"]').is_checked()

    def text(self) -> str:
        return self.page.locator("main").inner_text()

    def check(self) -> None:
        """No other host was asked, no policy was violated, no cookie was set."""
        assert self.asked == {urlsplit(self.base).netloc}
        assert self.complaints == []
        assert self.page.context.cookies() == []


def _complaint(message: object) -> str:
    return f"{message.text} <{message.location.get('url', '')}>"


def visit(chromium: object, base: str, *, scripts: bool, **options: object) -> Visit:
    context = chromium.new_context(java_script_enabled=scripts, **options)
    page = context.new_page()
    seen = Visit(page, base)
    page.on("request", lambda request: seen.asked.add(urlsplit(request.url).netloc))
    page.on("console", lambda message: seen.complaints.append(_complaint(message)) if message.type == "error" else None)
    page.on("pageerror", lambda error: seen.complaints.append(str(error)))
    return seen
