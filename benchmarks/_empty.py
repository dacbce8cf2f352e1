"""Every address of the service, and an empty view: what the check over REST is measured against."""

from __future__ import annotations

from typing import Any

from django.urls import include, path
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from governance import urls

handler404, handler500 = urls.handler404, urls.handler500


class Empty(APIView):
    """What any view of the framework costs: the same middleware, routing and rendering; nobody asks who calls, nothing is looked up."""

    authentication_classes: tuple[Any, ...] = ()
    permission_classes: tuple[Any, ...] = ()

    def get(self, request: Request) -> Response:
        return Response({})


urlpatterns = [path("api/v1/consent/empty", Empty.as_view()), path("", include(urls.urlpatterns))]
