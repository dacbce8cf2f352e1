"""Marketing automation that lives under the gate: it knows people as opaque ids, and everything it does cites a verdict.

The way of one event: events → profiles → features → learning → decisioning → journeys → channels, and the outcome back to learning.
Addresses are read from the vault at the moment of sending and kept nowhere here.
"""
