"""The burn-down of a budget as a drawing: an SVG made on the server, readable without script and in print. Pure.

The line falls with every reservation and rises with a void; the dashed line is the hard stop at zero. Colours never
stand alone: the table beside the drawing says the same in words.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from governance.aggregates.budgets import BudgetStatus, Step

_WIDTH, _HEIGHT, _MARGIN = 640, 180, 34


def drawing(status: BudgetStatus, steps: Sequence[Step]) -> SafeString:
    """The epsilon that was left after each step, from the full budget on the left to now on the right."""
    left = [status.epsilon_total, *(status.epsilon_total - step.epsilon_used for step in steps)]
    across = (_WIDTH - 2 * _MARGIN) / max(1, len(left))
    points = [(_MARGIN + place * across, _down(value, status.epsilon_total)) for place, value in enumerate(left)]
    corners = [f"{points[0][0]:.1f},{points[0][1]:.1f}"]
    for (_, before), (x, y) in pairwise(points):
        corners += [f"{x:.1f},{before:.1f}", f"{x:.1f},{y:.1f}"]
    corners.append(f"{_WIDTH - _MARGIN:.1f},{points[-1][1]:.1f}")
    label = f"{status.epsilon_left:g} of {status.epsilon_total:g} epsilon left after {status.releases} releases"
    return format_html(
        '<svg viewBox="0 0 {} {}" role="img" aria-label="{}" width="100%" xmlns="http://www.w3.org/2000/svg">'
        '<polyline points="{}" fill="none" stroke="currentColor" stroke-width="2"/>'
        '<line x1="{}" y1="{}" x2="{}" y2="{}" stroke="currentColor" stroke-dasharray="6 4"/>'
        '<text x="2" y="{}" font-size="11" fill="currentColor">{}</text>'
        '<text x="2" y="{}" font-size="11" fill="currentColor">0</text></svg>',
        _WIDTH,
        _HEIGHT,
        label,
        " ".join(corners),
        _MARGIN,
        _down(0, status.epsilon_total),
        _WIDTH - _MARGIN,
        _down(0, status.epsilon_total),
        _down(status.epsilon_total, status.epsilon_total) + 4,
        f"{status.epsilon_total:g}",
        _down(0, status.epsilon_total) + 4,
    )


def table(steps: Sequence[Step], newest: int = 50) -> SafeString:
    """The newest steps in words, newest first."""
    rows = (
        (
            f"{step.at:%Y-%m-%d %H:%M} UTC",
            step.state.label,
            f"{step.epsilon:g}",
            f"{step.epsilon_used:g}",
            "yes" if step.settled else "no",
        )
        for step in reversed(steps[-newest:])
    )
    body = format_html_join("", "<tr><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td>{}</td></tr>", rows)
    return format_html(
        '<table class="w-full"><thead><tr><th>When</th><th>What</th><th>Epsilon</th><th>Used after it</th><th>Settled</th></tr></thead>'
        "<tbody>{}</tbody></table>",
        body,
    )


def _down(value: float, total: float) -> float:
    return round(_HEIGHT - _MARGIN - value / total * (_HEIGHT - 2 * _MARGIN), 1)
