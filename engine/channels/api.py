"""Campaigns over REST: look, and stop."""

from typing import Any

from django.urls import path
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from engine.channels import campaigns
from engine.channels.models import Campaign
from governance.accounts.api import actor_of, requires
from governance.kernel.api import CursorPagination, StrictSerializer
from governance.kernel.ids import from_opaque, opaque


class StopCampaignIn(StrictSerializer):
    reason = serializers.RegexField(r"^[a-z_]{2,40}$", help_text="A code such as 'wrong_text'.")


class Campaigns(APIView):
    """GET: campaigns, newest first."""

    permission_classes = (requires("channels:read"),)

    @extend_schema(operation_id="channels_campaigns_list", responses={200: dict})
    def get(self, request: Request) -> Response:
        pages = CursorPagination()
        page = pages.paginate_queryset(Campaign.objects.all(), request, view=self) or []
        return pages.get_paginated_response([_shown(campaign) for campaign in page])


class OneCampaign(APIView):
    """GET: one campaign with what became of its messages."""

    permission_classes = (requires("channels:read"),)

    @extend_schema(operation_id="channels_campaign", responses={200: dict})
    def get(self, request: Request, campaign: str) -> Response:
        return Response(_with_counts(campaign))


class Stop(APIView):
    """POST: stop a campaign for good; unclaimed messages are withheld."""

    permission_classes = (requires("channels:run"),)

    @extend_schema(operation_id="channels_campaign_stop", request=StopCampaignIn, responses={200: dict})
    def post(self, request: Request, campaign: str) -> Response:
        given = StopCampaignIn(data=request.data)
        given.is_valid(raise_exception=True)
        campaigns.stop(from_opaque("cmp", campaign), actor=actor_of(request), reason=given.validated_data["reason"])
        return Response(_with_counts(campaign))


def _with_counts(campaign: str) -> dict[str, Any]:
    status = campaigns.status(from_opaque("cmp", campaign))
    return {
        **_shown(Campaign.objects.get(pk=status.campaign_id)),
        "messages": {state.value: count for state, count in status.counts.items()},
        "withheld_because": status.withheld_because,
    }


def _shown(campaign: Campaign) -> dict[str, Any]:
    return {
        "id": opaque("cmp", campaign.pk),
        "name": campaign.name,
        "purpose": campaign.purpose_key,
        "channel": campaign.channel,
        "template": campaign.template_key,
        "template_version": campaign.template_version,
        "state": campaign.state,
        "launched_at": campaign.launched_at,
        "finished_at": campaign.finished_at,
    }


urlpatterns = [
    path("campaigns", Campaigns.as_view(), name="channels-campaigns"),
    path("campaigns/<str:campaign>", OneCampaign.as_view(), name="channels-campaign"),
    path("campaigns/<str:campaign>/stop", Stop.as_view(), name="channels-campaign-stop"),
]
