"""The examples of the OpenAPI document. A test sends each of them and expects it to work."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import OpenApiExample

POLICY = """\
version: 1
name: newsletter
domain: {id: newsletter-2026, purpose: analytics}
columns:
  email: {transform: token_siv, canonical: email@1, class: email}
  born: {transform: generalise, to: 5y}
  spend: {transform: keep}
"""
ROWS = [
    {"email": "alice@example.com", "born": "1984-03-02", "spend": 12.5},
    {"email": "bob@example.com", "born": "1975-07-19", "spend": 3.0},
]
PEOPLE = [
    {"born": "1980", "postcode": "00", "band": "a"},
    {"born": "1980", "postcode": "00", "band": "b"},
    {"born": "1990", "postcode": "01", "band": "a"},
    {"born": "1990", "postcode": "01", "band": "c"},
]


def example(value: Any, name: str = "An ordinary call") -> list[OpenApiExample]:
    """One example of a request's body."""
    return [OpenApiExample(name, value=value, request_only=True, media_type="application/json")]
