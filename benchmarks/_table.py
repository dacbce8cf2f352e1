"""A table of orders as shops have them: 20 columns, 6 of them personal. Several rows a person."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pyarrow as pa

PERSONAL = ("customer", "email", "name", "phone", "born", "card")
POLICY = """\
version: 1
domain: {id: bench, purpose: model_training}
columns:
  customer: {transform: token_mac, canonical: id@1}
  email: {transform: token_mac, canonical: email@1}
  name: {transform: mask, keep: {first: 1}}
  phone: {transform: token_siv, canonical: e164@1}
  born: {transform: generalise, to: 5y, top: 90}
  card: {transform: fpe_ff1, keep: {last: 4}}
"""


def orders(rows: int, *, per_person: int = 5, seed: int = 7) -> pa.Table:
    """The table."""
    chance = np.random.default_rng(seed)
    people = max(rows // per_person, 1)
    who = chance.integers(0, people, rows)

    def of_person(make: Callable[[int], str]) -> pa.Array:
        return pa.array([make(number) for number in range(people)]).take(pa.array(who))

    columns = {
        "customer": of_person(lambda number: f"C-{number:08d}"),
        "email": of_person(lambda number: f"anna.nowak{number}@{'Example.com' if number % 5 else 'mail.example.org'}"),
        "name": of_person(lambda number: f"Anna{number % 97} Nowak{number % 997}"),
        "phone": of_person(lambda number: f"+48{500_000_000 + number * 37 % 400_000_000}"),
        "born": pa.array((who * 97 % 22_000 - 5_000).astype(np.int32), pa.date32()),
        "card": of_person(lambda number: f"4{(number * 7_919_000_003) % 10**15:015d}"),
    }
    for place in range(4):
        columns[f"amount{place}"] = pa.array(chance.normal(100, 30, rows))
        columns[f"count{place}"] = pa.array(chance.integers(0, 10 ** (place + 2), rows))
    for place in range(3):
        kinds = pa.array([f"category {kind}" for kind in range(5 * 10**place)])
        columns[f"category{place}"] = kinds.take(pa.array(chance.integers(0, len(kinds), rows)))
    columns["ordered_at"] = pa.array(chance.integers(16 * 10**14, 17 * 10**14, rows).astype("datetime64[us]"))
    columns["returned"] = pa.array(chance.random(rows) < 0.3)
    columns["score"] = pa.array(chance.random(rows).astype(np.float32))
    return pa.table(columns)


def policy() -> str:
    """The policy: personal columns by their rules, the others kept."""
    others = [name for name in orders(1).column_names if name not in PERSONAL]
    return POLICY + "".join(f"  {name}: {{transform: keep}}\n" for name in others)
