"""Findings that overlap: one kind per character, and nothing that was found is lost."""

from __future__ import annotations

from collections.abc import Iterable

from pseudonymize.detection.kinds import Finding


def resolved(findings: Iterable[Finding], text: str) -> list[Finding]:
    """The findings without overlap, by place. The better score wins, then the longer one.

    What a losing finding has beyond the winner stays a finding of its own kind when it holds a letter or digit, so that
    resolving never uncovers anything.
    """
    taken: list[Finding] = []
    for finding in sorted(findings, key=lambda found: (-found.score, found.start - found.end, found.start)):
        for start, end in _free(finding, taken):
            if (start, end) == (finding.start, finding.end):
                taken.append(finding)
            elif any(map(str.isalnum, text[start:end])):
                taken.append(_trimmed(Finding(finding.kind, start, end, finding.score), text))
    return sorted(taken, key=lambda found: found.start)


def _free(finding: Finding, taken: list[Finding]) -> list[tuple[int, int]]:
    """The parts of the finding that nothing better covers."""
    parts = [(finding.start, finding.end)]
    for other in taken:
        if other.end <= finding.start or finding.end <= other.start:
            continue
        parts = [
            (low, high)
            for start, end in parts
            for low, high in ((start, min(end, other.start)), (max(start, other.end), end))
            if low < high
        ]
    return parts


def _trimmed(finding: Finding, text: str) -> Finding:
    start, end = finding.start, finding.end
    while start < end and not text[start].isalnum():
        start += 1
    while end > start and not text[end - 1].isalnum():
        end -= 1
    return Finding(finding.kind, start, end, finding.score)
