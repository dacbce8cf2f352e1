"""Findings that overlap: one kind per character, and nothing that was found is lost."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from pseudonymize.detection.kinds import Finding


def resolved(findings: Iterable[Finding], text: str) -> list[Finding]:
    """The findings without overlap, by place. The better score wins, then the longer one.

    Of two of the same kind, one in the other, the longer stays, with the better score. What a losing finding has beyond the
    winner stays a finding of its own kind when it holds a letter or digit, so that resolving never uncovers anything.
    """
    result: list[Finding] = []
    for cluster in _clusters(findings):
        result += cluster if len(cluster) == 1 else _settled(cluster, text)
    return result


def _clusters(findings: Iterable[Finding]) -> Iterator[list[Finding]]:
    """Findings that hang together by overlaps, in the order of the text."""
    cluster: list[Finding] = []
    end = -1
    for finding in sorted(set(findings), key=lambda found: (found.start, -found.end)):
        if cluster and finding.start >= end:
            yield cluster
            cluster = []
        cluster.append(finding)
        end = max(end, finding.end) if len(cluster) > 1 else finding.end
    if cluster:
        yield cluster


def _settled(cluster: list[Finding], text: str) -> list[Finding]:
    taken: list[Finding] = []
    for finding in sorted(_outermost(cluster), key=lambda found: (-found.score, found.start - found.end, found.start)):
        for start, end in _free(finding, taken):
            if (start, end) == (finding.start, finding.end):
                taken.append(finding)
            elif any(map(str.isalnum, text[start:end])):
                taken.append(_trimmed(Finding(finding.kind, start, end, finding.score), text))
    return sorted(taken, key=lambda found: found.start)


def _outermost(cluster: list[Finding]) -> list[Finding]:
    """Without those that lie in another of their kind; the other gets their score where that is better."""
    kept: list[Finding] = []
    for finding in cluster:  # by begin, the longer first: whatever holds another comes before it
        for place, other in enumerate(kept):
            if other.kind is finding.kind and other.start <= finding.start and finding.end <= other.end:
                kept[place] = replace(other, score=max(other.score, finding.score))
                break
        else:
            kept.append(finding)
    return kept


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
