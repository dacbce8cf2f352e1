#!/usr/bin/env python3
"""Verify a consent receipt without trusting, or asking, whoever issued it.

    python verify_receipt.py receipt.jwt --public-key HEX|FILE [--json]

One file; needs Python 3.10 and the package ``cryptography`` (for Ed25519), nothing else. It shares no code with the service.

The public key is 64 hexadecimal digits, a file with them, or the JWK set of ``/api/v1/consent/keys`` saved as a file. Get it from
somewhere else than the receipt. Exit code: 0 genuine and unchanged, 1 not, 2 cannot read the input.
"""

from __future__ import annotations

import argparse
import base64
import binascii
import json
import sys
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

TYP = "zgoda-consent-receipt+jws"


class Refused(Exception):
    """The receipt does not verify."""


class Unreadable(Exception):
    """The input is not there or not of the expected form."""


def main(arguments: list[str] | None = None) -> int:
    """Verify one receipt; the exit code is the answer."""
    parser = argparse.ArgumentParser(description="Verify a consent receipt offline.")
    parser.add_argument("receipt", type=Path, help="the file that was downloaded")
    parser.add_argument(
        "--public-key", required=True, help="64 hexadecimal digits, or a file with them or with a JWK set"
    )
    parser.add_argument("--json", action="store_true", help="print the whole record")
    options = parser.parse_args(arguments)
    try:
        content = verify(text_of(options.receipt), keys_of(options.public_key))
    except Refused as reason:
        sys.stdout.write(f"NOT VERIFIED: {reason}\n")
        return 1
    except Unreadable as reason:
        sys.stderr.write(f"cannot read: {reason}\n")
        return 2
    sys.stdout.write((json.dumps(content, indent=2, ensure_ascii=False) if options.json else words(content)) + "\n")
    return 0


def verify(receipt: str, keys: list[bytes]) -> dict[str, Any]:
    """The content of the receipt when one of the keys signed it (RFC 7515 compact serialization, RFC 8037)."""
    parts = receipt.strip().split(".")
    if len(parts) != 3:
        raise Refused("a receipt has three parts with dots between them")
    try:
        header, payload, signature = json.loads(decode(parts[0])), decode(parts[1]), decode(parts[2])
    except (ValueError, binascii.Error):
        raise Refused("a part of it cannot be decoded") from None
    if not isinstance(header, dict) or header.get("alg") not in ("Ed25519", "EdDSA") or header.get("typ") != TYP:
        raise Refused("it is not a consent receipt")
    for key in keys:
        try:
            Ed25519PublicKey.from_public_bytes(key).verify(signature, f"{parts[0]}.{parts[1]}".encode())
        except (InvalidSignature, ValueError):
            continue
        content: dict[str, Any] = json.loads(payload)
        return content
    raise Refused("the signature is not of this key, or a character was changed")


def words(content: dict[str, Any]) -> str:
    """What the receipt says, in lines."""
    record = content["dpv:hasRecordOfActivity"]
    status, process, notice = record["dpv:hasConsentStatus"], record["dpv:hasProcess"][0], record["dpv:hasNotice"]
    party = record["dpv:hasEntity"][0]
    lines = [
        ("verified", "genuine and unchanged"),
        ("receipt", content["dct:identifier"]),
        ("event", f"{status['zgoda:event']} ({status['@type']})"),
        ("when", status["dct:date"]),
        ("valid until", status["dct:valid"]),
        (
            "purpose",
            f"{process['dpv:hasPurpose']['skos:prefLabel']} (version {process['dpv:hasPurpose']['dct:hasVersion']})",
        ),
        ("channel", process["zgoda:channel"]),
        ("notice", f"{notice['dct:title']}, version {notice['dct:hasVersion']}" if notice else "none"),
        ("controller", f"{party['dpv:hasName']}, {party['dpv:hasContact']}"),
        ("withdraw", process["dpv:hasConsentControl"]["dct:source"]),
    ]
    return "\n".join(f"{name:<12} {value}" for name, value in lines)


def keys_of(given: str) -> list[bytes]:
    """The public keys that were given: as text, or in a file."""
    text = given
    if len(given) != 64 or not set(given) <= set("0123456789abcdefABCDEF"):
        text = text_of(Path(given))
    try:
        if text.lstrip().startswith("{"):
            said = json.loads(text)
            return [decode(one["x"]) for one in said.get("keys", [said])]
        return [bytes.fromhex(text.strip())]
    except (ValueError, KeyError, TypeError, binascii.Error):
        raise Unreadable("the public key is neither hexadecimal nor a JWK set") from None


def text_of(path: Path) -> str:
    """The text of a file."""
    try:
        return path.read_text("utf-8")
    except (OSError, UnicodeDecodeError):
        raise Unreadable(str(path)) from None


def decode(part: str) -> bytes:
    """Base64url without padding."""
    return base64.b64decode(part + "=" * (-len(part) % 4), altchars=b"-_", validate=True)


if __name__ == "__main__":
    sys.exit(main())
