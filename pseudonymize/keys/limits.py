"""How much one key may encrypt before it is replaced (security.md 4.9). Every limit is for one key, never for a column or a run.

Rotation starts at half of a limit, so that what several processes count late, or a crash does not count, changes nothing.
"""

from __future__ import annotations

from typing import Final

GCM_MESSAGES: Final = 2**32
"""AES-GCM with random 96-bit nonces: the chance of a repeated nonce stays below 2^-32 (SP 800-38D, section 8.3)."""
GCM_MESSAGE_BYTES: Final = 2**36 - 32
"""One AES-GCM message: 2^39 - 256 bits (SP 800-38D, section 5.2.1.1)."""
SIV_BLOCKS: Final = 2**48
"""AES-SIV: blocks under one key (RFC 5297, section 7)."""
MAC_BLOCKS: Final = 2**48
"""AES-CMAC: blocks under one key, so that a collision is less likely than one in a billion (SP 800-38B, appendix B)."""
FF1_BLOCKS: Final = 2**48
"""FF1 calls AES ten times per value and has no limit of its own; it is held to that of the block cipher."""

LENT_BLOCKS_A_SECOND: Final = 2**25
"""What a lent key is charged with beforehand for each second: an executor does not say what it did, and one process does less."""

BLOCKS: Final = {
    "mac": MAC_BLOCKS,
    "siv": SIV_BLOCKS,
    "ff1": FF1_BLOCKS,
    "synthetic": MAC_BLOCKS,
    "date-shift": MAC_BLOCKS,
    "noise": MAC_BLOCKS,
}
"""Limits of derived keys by kind of transform, in blocks of 16 bytes."""


def rotate_at(limit: int) -> int:
    """From which count on a key is replaced."""
    return limit // 2
