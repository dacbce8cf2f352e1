"""The service as it is served, with the empty view of `_empty.py` beside its own."""

from __future__ import annotations

from django.conf import settings

from governance.wsgi import application

__all__ = ["application"]

settings.ROOT_URLCONF = "benchmarks._empty"
