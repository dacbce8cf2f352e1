"""REST: a lease of a policy's working keys, for executors of a cluster."""

from __future__ import annotations

from datetime import timedelta

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from governance.accounts.api import actor_of, requires
from governance.kernel.api import StrictSerializer
from pseudonymize import publishing
from pseudonymize.kits import leases

_LONGEST = int(leases.LONGEST.total_seconds())


class LeaseIn(StrictSerializer):
    """The published policy whose keys are asked for, and for how many seconds."""

    policy = serializers.RegexField(r"^[a-z0-9][a-z0-9_-]{0,59}\Z")
    seconds = serializers.IntegerField(min_value=1, max_value=_LONGEST, default=int(leases.DEFAULT.total_seconds()))


class Leases(APIView):
    """Lend a policy's derived keys for some minutes. Who may publish policies may do this: the keys make that policy's tokens."""

    permission_classes = (requires("pseudonymize:write"),)

    @extend_schema(operation_id="pseudonymize_lease", request=LeaseIn, responses={200: dict})
    def post(self, request: Request) -> Response:
        asked = LeaseIn(data=request.data)
        asked.is_valid(raise_exception=True)
        lasts = timedelta(seconds=asked.validated_data["seconds"])
        policy = publishing.current(asked.validated_data["policy"])
        lease = leases.issue(policy, actor=actor_of(request), lasts=lasts)
        return Response(lease.as_json(), headers={"Cache-Control": "no-store"})
