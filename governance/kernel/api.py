"""What every API shares: strict serializers and pagination."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from django.conf import settings
from rest_framework import exceptions, pagination, parsers, serializers

from governance.kernel.errors import BodyTooLarge, EncodingRefused


def refuse_unread(headers: Mapping[str, Any], limit: int) -> None:
    """Judge a body by its headers, before a byte of it is read. Raises BodyTooLarge, EncodingRefused."""
    if headers.get("HTTP_CONTENT_ENCODING", "").strip().lower() not in ("", "identity"):
        raise EncodingRefused("Send the body without a content encoding.")
    try:
        length = int(headers.get("CONTENT_LENGTH") or 0)
    except ValueError:
        length = 0
    if length > limit:
        raise BodyTooLarge(f"A body has at most {limit} bytes.", limit=limit)


class JSONParser(parsers.JSONParser):
    """JSON alone (RFC 8259), read strictly: of a bounded size, not nested too deep, no name twice in an object, only characters."""

    def parse(self, stream: Any, media_type: str | None = None, parser_context: Mapping[str, Any] | None = None) -> Any:
        request = (parser_context or {}).get("request")
        limit = settings.DATA_UPLOAD_MAX_MEMORY_SIZE
        if request is not None:
            refuse_unread(request.META, limit)
        body = stream.read(limit + 1)
        if len(body) > limit:
            raise BodyTooLarge(f"A body has at most {limit} bytes.", limit=limit)
        try:
            text = body.decode((parser_context or {}).get("encoding") or "utf-8")
            data = json.loads(text, parse_constant=_no_number, object_pairs_hook=_once)
            if "\\u" in text:  # half a surrogate pair is an escape without a character
                json.dumps(data, ensure_ascii=False).encode()
        except RecursionError as error:
            raise exceptions.ParseError("The body is nested too deep.") from error
        except (ValueError, LookupError) as error:  # the message would quote the body
            reason = error.args[0] if isinstance(error, _Refused) else "It is not JSON in UTF-8."
            raise exceptions.ParseError(reason) from None
        return data


class _Refused(ValueError):
    """With a sentence that does not quote the body."""


def _no_number(name: str) -> Any:
    raise _Refused("NaN and infinity are no numbers of JSON.")


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise _Refused("A name is twice in one object.")
    return found


class StrictSerializer(serializers.Serializer[Any]):
    """A serializer that refuses fields it does not know: a misspelt `purpose` must not become a default."""

    def to_internal_value(self, data: Any) -> Any:
        if isinstance(data, Mapping):
            unknown = sorted(set(data) - set(self.fields))
            if unknown:
                raise serializers.ValidationError({name: ["Unknown field."] for name in unknown})
        return super().to_internal_value(data)


class CursorPagination(pagination.CursorPagination):
    """By UUIDv7, so by time; stable while rows arrive."""

    ordering = "-id"
    page_size = 50
    page_size_query_param = "page_size"
    max_page_size = 500
