"""What every API shares: strict serializers and pagination."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rest_framework import exceptions, pagination, parsers, serializers


class JSONParser(parsers.JSONParser):
    """JSON alone; a body nested too deep to be read is malformed, like any other that is not JSON."""

    def parse(self, stream: Any, media_type: str | None = None, parser_context: Mapping[str, Any] | None = None) -> Any:
        try:
            return super().parse(stream, media_type, parser_context)
        except RecursionError as error:
            raise exceptions.ParseError("The body is nested too deep.") from error


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
