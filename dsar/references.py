"""How a person and staff speak of a request: a reference for everybody, and a tracking code that is the person's secret."""

from __future__ import annotations

import base64
from uuid import UUID

from dsar.errors import RequestNotFound
from dsar.keyring import working_key
from governance.kernel import crypto
from governance.kernel.errors import InvalidInput
from governance.kernel.ids import from_opaque, opaque

_PREFIX = "dsr"


def reference(request_id: UUID) -> str:
    """The reference of a request: ``dsr_…``."""
    return opaque(_PREFIX, request_id)


def request_id_of(text: str) -> UUID:
    """The id behind a reference. Raises :class:`RequestNotFound` for anything that is not one."""
    try:
        return from_opaque(_PREFIX, text.strip())
    except InvalidInput as error:
        raise RequestNotFound from error


def tracking_code(request_id: UUID, *, confirmed: bool) -> str:
    """The secret that belongs to the reference: 80 bits as four groups of four. Derived, so it is stored nowhere.

    Confirming the identity changes it: whoever merely typed somebody's address in knows the first one only, which is
    worth nothing from then on; the second goes to the confirmed mailbox and to whoever entered the code from it.
    """
    stage = b"confirmed" if confirmed else b"opened"
    digest = crypto.mac(working_key("tracking"), request_id.bytes + stage)
    text = base64.b32encode(digest[:10]).decode().lower()
    return "-".join(text[start : start + 4] for start in range(0, 16, 4))


def check_tracking_code(request_id: UUID, code: str, *, confirmed: bool) -> None:
    """Returns when the code belongs to the request, compared in constant time; raises :class:`RequestNotFound` when not."""
    offered = "".join(code.split()).lower().encode()
    if not crypto.equal(tracking_code(request_id, confirmed=confirmed).encode(), offered):
        raise RequestNotFound
