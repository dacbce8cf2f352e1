"""Tokens that say what they are: never made twice, never read in the wrong place."""

from __future__ import annotations

import hashlib
import random
import re

import pyarrow as pa
import pytest

from pseudonymize.transforms import mac, siv
from pseudonymize.transforms import tokens_text as tokens
from pseudonymize.transforms.errors import (
    ColumnTypeUnsupported,
    ForeignToken,
    ForgedValue,
    NotAToken,
    ParameterInvalid,
)
from pseudonymize.transforms.tokens_text import TokenFormat, TokenKind

KEY = hashlib.sha256(b"mac").digest()
LONG_KEY = hashlib.sha512(b"siv").digest()
DOMAIN = tokens.domain_code("ml-churn-2026")
MAC = TokenFormat(TokenKind.MAC, DOMAIN, 1)
SIV = TokenFormat(TokenKind.SIV, DOMAIN, 1)
OPAQUE = TokenFormat(TokenKind.MAC, DOMAIN, 1, opaque=True)
PEOPLE = pa.array(["alice@example.org", None, "", "bob@example.org", "alice@example.org"])


def test_a_mac_token_is_36_characters_of_kind_domain_epoch_body_and_check() -> None:
    made = tokens.mac_tokens(PEOPLE, KEY, MAC).to_pylist()
    assert made[1] is None
    assert made[0] == made[4] != made[3]
    for token in (made[0], made[2], made[3]):
        assert re.fullmatch(rf"zm{DOMAIN}01[0-9a-hjkmnp-tv-z]{{27}}", token)
        assert len(token) == 36


def test_the_body_is_the_mac_in_base32_with_two_zero_bits() -> None:
    made = tokens.mac_tokens(PEOPLE, KEY, MAC)
    for token, bits in zip(made.to_pylist(), mac.tags(PEOPLE, KEY).to_pylist(), strict=True):
        if token is not None:
            number = 0
            for character in token[9:35]:
                number = number * 32 + tokens.ALPHABET.index(character)
            assert number == int.from_bytes(bits, "big") << 2
    assert tokens.decode(made, MAC).equals(mac.tags(PEOPLE, KEY))


def test_the_format_of_a_known_value_never_changes() -> None:
    assert tokens.domain_code("ml-churn-2026") == "18vvs"
    token = tokens.encode(pa.array([bytes(range(16))]), TokenFormat(TokenKind.MAC, "18vvs", 37))[0].as_py()
    assert token == "zm18vvs15000g40r40m30e209185gr38e1w" + token[-1]
    remainder = 1
    for character in token:  # the code over GF(32), spelt out
        remainder = (remainder << 1) ^ (0b100101 if remainder & 16 else 0) ^ tokens.ALPHABET.index(character)
    assert remainder == 0


@pytest.mark.parametrize("form", [MAC, OPAQUE], ids=["named", "opaque"])
def test_a_token_is_never_tokenised_twice(form: TokenFormat) -> None:
    once = tokens.mac_tokens(PEOPLE, KEY, form)
    assert tokens.mac_tokens(once, KEY, form).equals(once)
    mixed = pa.array([once[0].as_py(), "carol@example.org", None])
    twice = tokens.mac_tokens(mixed, KEY, form)
    assert twice[0].as_py() == once[0].as_py()
    assert twice[1].as_py() == tokens.mac_tokens(pa.array(["carol@example.org"]), KEY, form)[0].as_py()
    assert twice[2].as_py() is None


def test_reversible_tokens_come_back_and_are_not_made_twice() -> None:
    bound = [b"ml-churn-2026", b"email"]
    made = tokens.siv_tokens(PEOPLE, LONG_KEY, bound, SIV)
    assert all(token is None or token.startswith("zs18vvs01") for token in made.to_pylist())
    assert tokens.siv_tokens(made, LONG_KEY, bound, SIV).equals(made)
    assert tokens.siv_values(made, LONG_KEY, bound, SIV).to_pylist() == PEOPLE.to_pylist()
    assert tokens.decode(made, SIV).equals(siv.encrypt(PEOPLE, LONG_KEY, bound))
    with pytest.raises(ForgedValue) as refused:
        tokens.siv_values(made, LONG_KEY, [b"another"], SIV)
    assert refused.value.row == 0


@pytest.mark.parametrize(
    "other",
    [
        TokenFormat(TokenKind.MAC, tokens.domain_code("ads-2026"), 1),
        TokenFormat(TokenKind.MAC, DOMAIN, 2),
        TokenFormat(TokenKind.VAULT, DOMAIN, 1),
        OPAQUE,
    ],
    ids=["domain", "epoch", "kind", "opaque"],
)
def test_a_token_of_another_domain_epoch_or_kind_is_refused_with_its_row(other: TokenFormat) -> None:
    foreign = tokens.encode(mac.tags(pa.array(["bob"]), KEY), other)[0].as_py()
    column = pa.array(["alice", None, foreign, foreign])
    with pytest.raises(ForeignToken) as refused:
        tokens.mac_tokens(column, KEY, MAC)
    assert refused.value.row == 2
    with pytest.raises(ForeignToken) as refused:
        tokens.decode(column.slice(1), MAC)
    assert refused.value.row == 1


def test_opaque_tokens_show_no_domain_and_open_in_their_own() -> None:
    values = mac.tags(pa.array([f"person {number}" for number in range(300)]), KEY)
    made = tokens.encode(values, OPAQUE)
    assert not any(DOMAIN in token[:9] for token in made.to_pylist())
    assert {len(token) for token in made.to_pylist()} == {29}
    assert tokens.decode(made, OPAQUE).equals(values)


def test_opaque_tokens_are_refused_in_thirty_one_of_thirty_two_other_domains() -> None:
    made = tokens.mac_tokens(pa.array(["alice"]), KEY, OPAQUE)
    refused = 0
    for number in range(320):
        elsewhere = TokenFormat(TokenKind.MAC, tokens.domain_code(f"domain {number}"), 1, opaque=True)
        try:
            tokens.decode(made, elsewhere)
        except ForeignToken:
            refused += 1
    assert 300 <= refused < 320  # 310 are to be expected


def test_any_one_wrong_character_and_any_two_exchanged_neighbours_are_noticed() -> None:
    token = tokens.mac_tokens(PEOPLE, KEY, MAC)[0].as_py()
    wrong = [
        token[:place] + other + token[place + 1 :]
        for place in range(len(token))
        for other in tokens.ALPHABET
        if other != token[place]
    ]
    exchanged = [
        token[:place] + token[place + 1] + token[place] + token[place + 2 :]
        for place in range(len(token) - 1)
        if token[place] != token[place + 1]
    ]
    assert not any(tokens.recognised(pa.array([t for t in wrong + exchanged if t[1] in "msv"])).to_pylist())
    for spoilt in random.Random(3).sample(wrong, 60) + exchanged:
        with pytest.raises((NotAToken, ForeignToken)):
            tokens.decode(pa.array([spoilt]), MAC)


@pytest.mark.parametrize(
    "text",
    ["", "z", "zm", "alice@example.org", "zm18vvs01", "ZM18VVS01" + "0" * 27, "zm18vvs01" + "u" * 27, "\n", "4" * 36],
)
def test_what_is_no_token_is_not_recognised_and_not_read(text: str) -> None:
    assert tokens.recognised(pa.array([text])).to_pylist() == [False]
    with pytest.raises(NotAToken) as refused:
        tokens.decode(pa.array([None, text]), MAC)
    assert refused.value.row == 1


def test_a_token_inside_a_longer_text_is_not_a_token() -> None:
    token = tokens.mac_tokens(PEOPLE, KEY, MAC)[0].as_py()
    around = [token + "\n", " " + token, token + " ", "\n" + token, token + token, token.upper()]
    assert tokens.recognised(pa.array(around)).to_pylist() == [False] * len(around)


def test_bodies_that_no_bytes_encode_to_are_refused() -> None:
    for body in ("0" * 27, "0" * 25 + "1", "0" * 28 + "1"):
        covered = MAC.covered + body
        check = next(
            character for character in tokens.ALPHABET if tokens.recognised(pa.array([covered + character]))[0].as_py()
        )
        with pytest.raises(NotAToken):
            tokens.decode(pa.array([covered + check]), MAC)


def test_the_first_bad_row_is_named_whatever_is_wrong_with_it() -> None:
    good = tokens.mac_tokens(PEOPLE, KEY, MAC)[0].as_py()
    foreign = tokens.encode(mac.tags(pa.array(["bob"]), KEY), TokenFormat(TokenKind.MAC, DOMAIN, 9))[0].as_py()
    with pytest.raises(NotAToken) as spoilt:
        tokens.decode(pa.chunked_array([[good], [None, "no token", foreign]]), MAC)
    assert spoilt.value.row == 2
    with pytest.raises(ForeignToken) as other:
        tokens.decode(pa.chunked_array([[good], [None, foreign, "no token"]]), MAC)
    assert other.value.row == 2


@pytest.mark.parametrize("layout", [pa.string(), pa.large_string(), pa.string_view()], ids=str)
def test_layouts_slices_and_dictionaries_do_not_matter(layout: pa.DataType) -> None:
    made = tokens.mac_tokens(PEOPLE, KEY, MAC)
    again = pa.array(made.to_pylist(), layout)
    assert tokens.recognised(again).to_pylist() == [True, False, True, True, True]
    assert tokens.mac_tokens(again, KEY, MAC).to_pylist() == made.to_pylist()
    assert tokens.mac_tokens(pa.array(PEOPLE.to_pylist(), layout), KEY, MAC).to_pylist() == made.to_pylist()
    assert tokens.decode(again.slice(2, 2), MAC).to_pylist() == mac.tags(PEOPLE, KEY).to_pylist()[2:4]
    assert tokens.mac_tokens(made.dictionary_encode(), KEY, MAC).to_pylist() == made.to_pylist()


def test_batches_and_lengths_do_not_show() -> None:
    chance = random.Random(4)
    values = pa.array([chance.randbytes(chance.choice([16, 17, 18, 19, 20, 21, 40])) for _ in range(20_000)])
    made = tokens.encode(values, SIV)
    made.validate(full=True)
    assert tokens.decode(made, SIV).equals(values)
    assert pa.compute.all(tokens.recognised(made)).as_py()


def test_columns_without_values_have_defined_answers() -> None:
    assert tokens.mac_tokens(pa.nulls(2), KEY, MAC).to_pylist() == [None, None]
    assert tokens.mac_tokens(pa.chunked_array([], pa.string()), KEY, MAC).to_pylist() == []
    assert tokens.recognised(pa.nulls(2)).to_pylist() == [False, False]
    assert tokens.decode(pa.array([None], pa.string()), MAC).to_pylist() == [None]


def test_wrong_parameters_are_refused() -> None:
    for domain, epoch in (("abc", 1), ("ABCDE", 1), ("18vvsx", 1), ("18vvs", -1), ("18vvs", 1024)):
        with pytest.raises(ParameterInvalid):
            TokenFormat(TokenKind.MAC, domain, epoch)
    with pytest.raises(ParameterInvalid):
        tokens.mac_tokens(PEOPLE, KEY, SIV)
    with pytest.raises(ParameterInvalid):
        tokens.siv_tokens(PEOPLE, LONG_KEY, [], MAC)
    with pytest.raises(ParameterInvalid):
        tokens.encode(pa.array([b"short"]), MAC)
    with pytest.raises(ColumnTypeUnsupported):
        tokens.mac_tokens(pa.array([b"bytes"]), KEY, MAC)
