"""Time stamps by an authority (RFC 3161) over checkpoints: that the log was no shorter and no other at that time.

``rfc3161-client`` builds the request and verifies the answer against the certificates that the operator trusts; the token is kept with
the anchors and travels in the bundle, where ``verify.py`` checks it with code of its own.
"""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from audit.errors import AnchorFailed
from governance.kernel import crypto, outbound

QUERY_TYPE = "application/timestamp-query"


def stamp(note: str, url: str, roots: Path) -> bytes:
    """The response of the authority over a note, verified. Raises ``AnchorFailed``, ``OutsideUnavailable``."""
    from rfc3161_client import HashAlgorithm, TimestampRequestBuilder

    request = (
        TimestampRequestBuilder()
        .data(note.encode())
        .hash_algorithm(HashAlgorithm.SHA256)
        .cert_request(cert_request=True)
        .nonce(nonce=True)
        .build()
    )
    answer = outbound.post(url, request.as_bytes(), QUERY_TYPE)
    if answer.status != 200:
        raise AnchorFailed("The time-stamp authority refused.")
    verify(answer.body, note, roots, nonce=request.nonce)
    return answer.body


def verify(response: bytes, note: str, roots: Path, nonce: int | None = None) -> datetime:
    """When the response was made over the note, by an authority under the roots. Raises ``AnchorFailed``."""
    from rfc3161_client import VerificationError, VerifierBuilder, decode_timestamp_response

    builder = VerifierBuilder()
    try:
        for certificate in crypto.load_certificates(roots.read_bytes()):
            builder = builder.add_root_certificate(certificate)
    except (OSError, crypto.SignatureInvalid) as error:
        raise AnchorFailed("The certificates of the time-stamp authority cannot be read.") from error
    if nonce is not None:
        builder = builder.nonce(nonce)
    try:
        decoded = decode_timestamp_response(response)
        builder.build().verify_message(decoded, note.encode())
    except (VerificationError, ValueError) as error:
        raise AnchorFailed("The time stamp does not verify.") from error
    return decoded.tst_info.gen_time
