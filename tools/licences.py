"""The licence audit of `make check`: every installed package must have a licence that may be used here.

`pip-licenses` reads what each package says of itself; this module decides. A package that says nothing is listed with its
licence, looked up by a person, so that a change of mind upstream is noticed.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys

ACCEPTED = re.compile(
    r"MIT|BSD|Apache|ISC|PSF|Python Software Foundation|MPL|Mozilla|Unlicense|Zlib|CC0|LGPL|Lesser General|HPND|Boost"
    r"|Public Domain|Artistic",
    re.IGNORECASE,
)
# Packages whose metadata name no licence; read in their repositories.
KNOWN = {"axe-playwright-python": "MIT", "interpret-core": "MIT", "morfeusz2": "BSD-2-Clause"}


def installed() -> list[dict[str, str]]:
    command = [sys.executable, "-m", "piplicenses", "--format=json", "--from=mixed", f"--python={sys.executable}"]
    output = subprocess.run(command, check=True, capture_output=True, text=True).stdout  # noqa: S603 - our own command
    listing: list[dict[str, str]] = json.loads(output)
    return listing


def refused(packages: list[dict[str, str]]) -> list[str]:
    """The packages whose licence is not accepted, as `name (licence)`."""
    found = []
    for package in packages:
        name, licence = package["Name"], KNOWN.get(package["Name"].lower(), package["License"])
        if not ACCEPTED.search(licence):
            found.append(f"{name} ({licence})")
    return found


def main() -> int:
    packages = installed()
    problems = refused(packages)
    for problem in problems:
        print(f"licence not accepted: {problem}", file=sys.stderr)  # noqa: T201
    if not problems:
        print(f"licences of {len(packages)} packages accepted")  # noqa: T201
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
