"""What the service promises about speed, accuracy and memory, measured beside the peers that others use.

`python -m benchmarks` runs every module here whose name does not begin with an underscore, each in a process of its own, prints one
table and writes docs/reference/benchmarks.md; `python -m benchmarks transforms detection` runs those alone and writes nothing.

A module plugs in with one function:

    def contests() -> Iterable[Contest | Figure]: ...

and may say `CORES = 2` (it is kept on one core unless) and `NEEDS = ("opendp",)` (modules without which it is left out). Make it a
generator: what a contest needs is arranged before its `yield`, and released after it. See `_contest.py` for the two shapes and README.md.
"""
