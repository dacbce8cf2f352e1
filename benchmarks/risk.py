"""Who stands out in a table: k-anonymity, l-diversity and t-closeness as group-bys, beside pycanon."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pyarrow as pa

from benchmarks._contest import ROWS, Contest, Figure, Party, installed, timed
from pseudonymize import risk

QUASI = ["born", "post", "sex"]
SENSITIVE = "band"
_PEER_ROWS = 100_000


def table(rows: int) -> pa.Table:
    """Birth years in fives, postcodes by two digits, sex, and a band of income: about 2,800 groups, as text."""
    random = np.random.default_rng(20_26)

    def column(values: list[str]) -> pa.Array:
        return pa.array(values).take(pa.array(random.integers(0, len(values), rows)))

    return pa.table(
        {
            "born": column([str(year) for year in range(1930, 2000, 5)]),
            "post": column([f"{place:02d}" for place in range(100)]),
            "sex": column(["f", "m"]),
            "band": column(list("abcde")),
        }
    )


def contests() -> Iterable[Contest | Figure]:
    data, few = table(ROWS), table(min(ROWS, _PEER_ROWS))
    k_and_l = [Party("Zgoda, integers and one count", ROWS, lambda: risk.judge(data, QUASI, [SENSITIVE]))]
    closeness = [Party("Zgoda, earth mover's distance", ROWS, lambda: risk.t_closeness(data, QUASI, SENSITIVE))]
    if installed("pycanon"):
        from pycanon import anonymity

        frame = few.to_pandas().astype(object)
        judged = risk.judge(few, QUASI, [SENSITIVE])
        found = (anonymity.k_anonymity(frame, QUASI), anonymity.l_diversity(frame, QUASI, [SENSITIVE]))
        if found != (judged.k, judged.diversity[SENSITIVE].distinct):
            raise AssertionError(f"pycanon finds {found}")

        def theirs() -> None:
            anonymity.k_anonymity(frame, QUASI)
            anonymity.l_diversity(frame, QUASI, [SENSITIVE])

        k_and_l.append(Party("pycanon", len(few), theirs))
        closeness.append(Party("pycanon", len(few), lambda: anonymity.t_closeness(frame, QUASI, [SENSITIVE]), rounds=1))
    yield Contest(f"k and l of {ROWS:,} rows", k_and_l, {"pycanon": 80}, unit="rows")
    yield Contest(f"t of {ROWS:,} rows", closeness, unit="rows")
    seconds = timed(lambda: risk.anonymise(data, QUASI, k=10, diversity={SENSITIVE: 2}))
    yield Figure(f"Mondrian, k = 10 and l = 2, {ROWS:,} rows", f"{seconds:.1f} s")
