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
RULES = {
    "runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
    "resultTypes": ["violations"],  # the rest is not read, and listing it takes half of the time
}
# Controls smaller than 24 by 24 CSS pixels (WCAG 2.5.8). Links inside a sentence are excepted; a radio button is pressed by its label.
_TOO_SMALL = """() => [...document.querySelectorAll('a, button, input:not([type=hidden]), select, textarea, summary, [tabindex="0"]')]
    .map(one => one.matches('input[type=radio], input[type=checkbox]') ? one.closest('label') || one : one)
    .filter(one => !(one.matches('a') && one.closest('p, dd, td, li') && getComputedStyle(one).display === 'inline'))
    .filter(one => !one.matches('.skip'))
    .map(one => [one.outerHTML.slice(0, 90), one.getBoundingClientRect()])
    .filter(([_, box]) => box.width < 24 || box.height < 24)
    .map(([html, box]) => `${Math.round(box.width)}x${Math.round(box.height)} ${html}`)"""
ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--force-prefers-reduced-motion"]


@dataclass
class Visit:
    """A browser at work, and everything it asked for or complained about."""

    page: object
    base: str
    asked: set[str] = field(default_factory=set)
    complaints: list[str] = field(default_factory=list)
    steps: list[str] = field(default_factory=list)
    """What the person had to do: choices, texts typed, links opened, buttons pressed."""

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
        self.steps.append(selector)
        self.tab_to(selector)
        with self.page.expect_navigation():
            self.page.keyboard.press("Enter")

    def click(self, selector: str) -> None:
        """Press it with the mouse, and wait for the page that follows."""
        with self.page.expect_navigation():
            self.page.locator(selector).click()

    def choose(self, field_name: str, answer: str) -> None:
        """Answer one question by keyboard: space takes the first answer, the arrow the other than the one that is focused."""
        self.steps.append(f"{field_name}={answer}")
        self.tab_to(f'input[name="{field_name}"]')
        wanted = f'input[name="{field_name}"][value="{answer}"]:focus'
        self.page.keyboard.press("Space" if self.page.locator(wanted).count() else "ArrowRight")
        assert self.page.locator(f'input[name="{field_name}"][value="{answer}"]').is_checked()

    def type(self, field_name: str, text: str) -> None:
        """Type into a field, reached by keyboard."""
        self.steps.append(field_name)
        self.tab_to(f'input[name="{field_name}"]')
        self.page.keyboard.type(text)

    def follow(self, path: str) -> None:
        """Open a link from a letter."""
        self.steps.append("link in the letter")
        self.open(path)

    def counted(self) -> int:
        """How many steps were taken since the last count."""
        taken = len(self.steps)
        self.steps.clear()
        return taken

    def look(self, *, styled: bool = True) -> None:
        """Nothing on this page violates WCAG 2.2 AA, as far as axe and a ruler see: rules, reflow, and where the style is ours the size
        of targets."""
        from axe_playwright_python.sync_playwright import Axe

        results = Axe().run(self.page, options=RULES)
        assert results.violations_count == 0, results.generate_report()
        assert not styled or self.page.evaluate(_TOO_SMALL) == [], self.page.url
        assert self.page.evaluate("document.documentElement.scrollWidth <= innerWidth"), self.page.url

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
