"""FF1 on one numeral string, in Python's whole numbers: any length and radix of SP 800-38G, step by step as printed there.

``ff1.py`` uses it for numerals whose halves do not fit 60 bits; its tests use it as the reference of the fast path.
"""

from __future__ import annotations

from dataclasses import dataclass

from pseudonymize.transforms.blocks import SIZE, BlockCipher, xor

ALPHABET = "0123456789abcdefghijklmnopqrstuvwxyz"
ROUNDS = 10
_DIRECT = 1_000  # digits; longer numerals are converted by halves (Python refuses int() on more than 4,300 digits)


@dataclass(frozen=True)
class Shape:
    """The quantities that depend on the length n of the numeral alone (SP 800-38G, algorithm 7, steps 1, 3 and 4)."""

    radix: int
    n: int

    @property
    def u(self) -> int:
        """Digits of the left half."""
        return self.n // 2

    @property
    def v(self) -> int:
        """Digits of the right half."""
        return self.n - self.u

    @property
    def b(self) -> int:
        """Bytes of the right half as a number: ceil(ceil(v log2 radix) / 8)."""
        return (power(self.radix, self.v) - 1).bit_length() + 7 >> 3

    @property
    def d(self) -> int:
        """Bytes of a round's pseudorandom number."""
        return 4 * ((self.b + 3) // 4) + 4

    def header(self, tweak: bytes) -> bytes:
        """The block P of step 5."""
        return (
            bytes([1, 2, 1])
            + self.radix.to_bytes(3, "big")
            + bytes([10, self.u % 256])
            + self.n.to_bytes(4, "big")
            + len(tweak).to_bytes(4, "big")
        )

    def start(self, tweak: bytes) -> bytes:
        """Q of step 6 i without its last b + 1 bytes: the tweak and zeros that fill up the last block."""
        return tweak + bytes((-len(tweak) - self.b - 1) % SIZE)


def encrypt_one(cipher: BlockCipher, tweak: bytes, radix: int, numeral: str) -> str:
    """FF1.Encrypt (algorithm 7) of a numeral whose digits are known to be of the radix."""
    shape = Shape(radix, len(numeral))
    a, b = number(numeral[: shape.u], radix), number(numeral[shape.u :], radix)
    for turn in range(ROUNDS):
        modulus = power(radix, shape.v if turn % 2 else shape.u)
        a, b = b, (a + _round(cipher, shape, tweak, turn, b)) % modulus
    return digits(a, radix, shape.u) + digits(b, radix, shape.v)


def decrypt_one(cipher: BlockCipher, tweak: bytes, radix: int, numeral: str) -> str:
    """FF1.Decrypt (algorithm 8)."""
    shape = Shape(radix, len(numeral))
    a, b = number(numeral[: shape.u], radix), number(numeral[shape.u :], radix)
    for turn in reversed(range(ROUNDS)):
        modulus = power(radix, shape.v if turn % 2 else shape.u)
        a, b = (b - _round(cipher, shape, tweak, turn, a)) % modulus, a
    return digits(a, radix, shape.u) + digits(b, radix, shape.v)


def _round(cipher: BlockCipher, shape: Shape, tweak: bytes, turn: int, half: int) -> int:
    """Steps 6 i to iv: the pseudorandom number y of one round."""
    q = shape.start(tweak) + bytes([turn]) + half.to_bytes(shape.b, "big")
    r = bytes(SIZE)
    message = shape.header(tweak) + q
    for place in range(0, len(message), SIZE):
        r = cipher.encrypt_one(xor(r, message[place : place + SIZE]))
    s = r
    for j in range(1, (shape.d + SIZE - 1) // SIZE):
        s += cipher.encrypt_one(xor(r, j.to_bytes(SIZE, "big")))
    return int.from_bytes(s[: shape.d], "big")


def power(radix: int, length: int) -> int:
    """How many numerals of that length there are."""
    return int(radix**length)


def number(numeral: str, radix: int) -> int:
    """NUM_radix: the numeral as a number, most significant digit first."""
    if len(numeral) <= _DIRECT:
        return int(numeral, radix)
    half = len(numeral) // 2
    return number(numeral[:half], radix) * power(radix, len(numeral) - half) + number(numeral[half:], radix)


def digits(value: int, radix: int, length: int) -> str:
    """STR_radix: the number as a numeral of that length."""
    if length > _DIRECT:
        half = length // 2
        left, right = divmod(value, power(radix, length - half))
        return digits(left, radix, half) + digits(right, radix, length - half)
    found = []
    for _ in range(length):
        value, digit = divmod(value, radix)
        found.append(ALPHABET[digit])
    return "".join(reversed(found))
