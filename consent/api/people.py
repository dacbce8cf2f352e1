"""REST: one person: may I, what happened, where they stand, and what they take home."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.db import transaction
from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.authentication import BaseAuthentication
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from consent import confirmation, gate, ledger, linking, notices, receipts, signing
from consent.api.parsing import acting_for, idempotency_key, notice_named, subject_named, valid, valid_query
from consent.api.shapes import (
    AudienceOut,
    CheckAudienceIn,
    CheckConsentIn,
    ConfirmByMailIn,
    ImportReceiptIn,
    LinkIn,
    LinkOut,
    PresentationOut,
    ReceiptOut,
    RecordConsentIn,
    RecordedOut,
    ShowNoticeIn,
    VerdictOut,
    VerifyReceiptIn,
)
from consent.errors import ReceiptForged
from consent.ledger import ConsentDraft
from governance.accounts.api import actor_of, confirmed_by_the_answer, requires
from governance.accounts.recognition import confirming
from governance.kernel.clock import now
from governance.kernel.crypto import SignatureInvalid
from governance.kernel.ids import SubjectId, from_opaque, opaque

_READS = "consent:read"
_ASKED = {"subject", "purpose", "channel"}
_OPTIONAL = ("presentation", "valid_until", "jurisdiction", "evidence", "source_sha256", "age", "of_age_on")

_Looking = confirmed_by_the_answer(_READS)


class Checks(APIView):
    """May this person's data be used for this purpose over this channel?

    GET answers with a reason and keeps nothing: to look. POST also keeps the verdict and answers with its id: for what rests on it.
    """

    permission_classes = (requires(_READS),)

    def get_authenticators(self) -> list[BaseAuthentication]:
        """Looking is what is asked all the time: the statement that answers it confirms the key on the way."""
        described = getattr(self, "swagger_fake_view", False)  # the OpenAPI document knows one kind of key
        looking = not described and self.request.method == "GET"
        return [*([_Looking()] if looking else []), *super().get_authenticators()]

    @extend_schema(operation_id="consent_look", parameters=[CheckConsentIn], responses={200: VerdictOut})
    def get(self, request: Request) -> Response:
        with confirming(request.auth, _READS) as beside:
            asked = request.query_params.dict()
            if asked.keys() != _ASKED:
                asked = valid_query(CheckConsentIn, request)
            verdict = gate.check(subject_named(asked), asked["purpose"], asked["channel"], beside=beside)
        return Response(_verdict(verdict) | {"verdict": None})

    @extend_schema(operation_id="consent_check", request=CheckConsentIn, responses={200: VerdictOut})
    def post(self, request: Request) -> Response:
        asked = valid(CheckConsentIn, request)
        with transaction.atomic():
            verdict = gate.check(subject_named(asked), asked["purpose"], asked["channel"])
            verdict_id = gate.cite(verdict, actor=actor_of(request), cited_for="api")
        return Response(_verdict(verdict) | {"verdict": opaque("vdt", verdict_id)})


class Audiences(APIView):
    """POST: the same for up to ten thousand people; keeps one verdict set and names who is allowed."""

    permission_classes = (requires("consent:read"),)

    @extend_schema(operation_id="consent_check_audience", request=CheckAudienceIn, responses={200: AudienceOut})
    def post(self, request: Request) -> Response:
        asked = valid(CheckAudienceIn, request)
        subjects = [SubjectId(from_opaque("sub", text)) for text in asked["subjects"]]
        with transaction.atomic():
            verdicts = gate.filter(subjects, asked["purpose"], asked["channel"])
            set_id = gate.cite_set(verdicts, actor=actor_of(request), cited_for=asked["cited_for"])
        return Response(
            {
                "verdict_set": opaque("vds", set_id),
                "allowed": [opaque("sub", subject) for subject in verdicts.allowed],
                "refused": {reason.value: count for reason, count in sorted(verdicts.refused.items())},
                "purpose_version": verdicts.purpose_version,
                "basis": verdicts.basis.value,
                "at": verdicts.at,
            }
        )


class Events(APIView):
    """POST: record what a person did. Needs an `Idempotency-Key`; the same key again is the same event."""

    permission_classes = (requires("consent:write"),)

    @extend_schema(
        operation_id="consent_record", request=RecordConsentIn, responses={200: RecordedOut, 201: RecordedOut}
    )
    def post(self, request: Request) -> Response:
        given = valid(RecordConsentIn, request)
        key = idempotency_key(request)
        client = actor_of(request)
        actor = acting_for(given, client)
        optional = {name: given[name] for name in _OPTIONAL if name in given}
        draft = ConsentDraft(
            subject=subject_named(given),
            purpose=given["purpose"],
            channel=given["channel"],
            event_type=given["event_type"],
            occurred_at=given.get("occurred_at") or now(),
            method=given["method"],
            idempotency_key=f"{client.id}:{key}",  # also says through whom a guardian acted
            notice_version_id=notice_named(given["notice_version"]) if "notice_version" in given else None,
            **optional,
        )
        with transaction.atomic():
            result = ledger.record(draft, actor=actor)[0]
            waits = result.status is ledger.State.PENDING_CONFIRMATION and not result.duplicate
            if "confirm_by_mail" in given and waits:
                confirmation.ask(result.event_id, language=given["confirm_by_mail"])
        return _recorded(result)


class Links(APIView):
    """POST: a visitor turned out to be somebody known. From now on a no of either binds both; nothing is rewritten."""

    permission_classes = (requires("consent:write"),)

    @extend_schema(operation_id="consent_link", request=LinkIn, responses={200: LinkOut, 201: LinkOut})
    def post(self, request: Request) -> Response:
        given = valid(LinkIn, request)
        visitor = SubjectId(from_opaque("sub", given["visitor"]))
        linked = linking.link(visitor, subject_named(given), actor=actor_of(request), evidence=given.get("evidence"))
        body = {"entry": str(linked.entry_id), "carried": linked.carried, "duplicate": linked.duplicate}
        return Response(body, status=status.HTTP_200_OK if linked.duplicate else status.HTTP_201_CREATED)


class Confirmations(APIView):
    """POST: send the letter with the link again. At most three about one consent, ten minutes apart."""

    permission_classes = (requires("consent:write"),)

    @extend_schema(operation_id="consent_confirmation_send", request=ConfirmByMailIn, responses={202: dict})
    def post(self, request: Request) -> Response:
        given = valid(ConfirmByMailIn, request)
        confirmation.ask(from_opaque("cev", given["event"]), language=given["language"])
        return Response({"status": "scheduled"}, status=status.HTTP_202_ACCEPTED)


class States(APIView):
    """GET: where a person stands, purpose by purpose."""

    permission_classes = (requires("consent:read"),)

    @extend_schema(operation_id="consent_state", responses={200: dict})
    def get(self, request: Request, subject: str) -> Response:
        identifier = SubjectId(from_opaque("sub", subject))
        states = [
            {
                "purpose": one.purpose,
                "channel": one.channel,
                "status": one.status.value,
                "since": one.since,
                "valid_until": one.valid_until,
                "event": opaque("cev", one.event_id) if one.event_id else None,
                "notice_version": opaque("ntc", one.notice_version_id) if one.notice_version_id else None,
                "objected": one.objected,
                "restricted": one.restricted,
                "opted_out": one.opted_out,
            }
            for one in ledger.current(identifier)
        ]
        return Response({"subject": opaque("sub", identifier), "states": states})


class History(APIView):
    """GET: every event about a person, in the order of arrival."""

    permission_classes = (requires("consent:read"),)

    @extend_schema(operation_id="consent_history", responses={200: dict})
    def get(self, request: Request, subject: str) -> Response:
        identifier = SubjectId(from_opaque("sub", subject))
        events = [
            {
                "event": opaque("cev", one.event_id),
                "event_type": one.event_type.value,
                "purpose": one.purpose,
                "purpose_version": one.purpose_version,
                "channel": one.channel,
                "actor": one.actor.partition(":")[0],
                "method": one.method,
                "occurred_at": one.occurred_at,
                "received_at": one.received_at,
                "valid_until": one.valid_until,
                "event_sha256": one.event_sha256,
                "entry": str(one.entry_id),
            }
            for one in ledger.history(identifier)
        ]
        return Response({"subject": opaque("sub", identifier), "events": events})


class Receipts(APIView):
    """GET: the signed receipt of an event."""

    permission_classes = (requires("consent:read"),)

    @extend_schema(operation_id="consent_receipt", responses={200: ReceiptOut})
    def get(self, request: Request, event: str) -> Response:
        return Response({"receipt": receipts.issue(from_opaque("cev", event))})


class ReceiptVerification(APIView):
    """POST: what a receipt says, if this service signed it."""

    permission_classes = (requires("consent:read"),)

    @extend_schema(operation_id="consent_receipt_verify", request=VerifyReceiptIn, responses={200: dict})
    def post(self, request: Request) -> Response:
        given = valid(VerifyReceiptIn, request)
        try:
            return Response({"content": receipts.verify(given["receipt"], signing.public_key())})
        except SignatureInvalid as error:
            raise ReceiptForged from error


class ReceiptSchema(APIView):
    """GET: the JSON Schema of receipts. Open to everybody."""

    authentication_classes: tuple[Any, ...] = ()
    permission_classes: tuple[Any, ...] = ()

    @extend_schema(operation_id="consent_receipt_schema", responses={200: dict})
    def get(self, request: Request) -> Response:
        return Response(receipts.schema())


class ReceiptImports(APIView):
    """POST: take over a consent that another controller recorded and signed; kept as an import with the receipt as its evidence."""

    permission_classes = (requires("consent:write"),)

    @extend_schema(
        operation_id="consent_receipt_import", request=ImportReceiptIn, responses={200: RecordedOut, 201: RecordedOut}
    )
    def post(self, request: Request) -> Response:
        given = valid(ImportReceiptIn, request)
        try:
            taken = receipts.take_over(
                given["receipt"],
                bytes.fromhex(given["public_key"]),
                subject=subject_named(given),
                actor=actor_of(request),
                purpose=given.get("purpose", ""),
            )
        except SignatureInvalid as error:
            raise ReceiptForged from error
        return _recorded(taken)


class Presentations(APIView):
    """POST: the token that binds what is about to be shown to what is agreed; send it back with the consent."""

    permission_classes = (requires("consent:write"),)

    @extend_schema(operation_id="consent_present", request=ShowNoticeIn, responses={201: PresentationOut})
    def post(self, request: Request) -> Response:
        given = valid(ShowNoticeIn, request)
        token = notices.shown(
            [notice_named(text) for text in given["notice_versions"]],
            subject=SubjectId(from_opaque("sub", given["subject"])) if "subject" in given else None,
            purposes=given.get("purposes"),
            jurisdiction=given["jurisdiction"],
            ui_variant=given["ui_variant"],
            gpc=request.headers.get("Sec-GPC") == "1",
        )
        return Response({"presentation": token}, status=status.HTTP_201_CREATED)


class Notices(APIView):
    """GET: the notices in force in a language (`?language=pl`), as to be shown."""

    permission_classes = (requires("consent:read"),)

    @extend_schema(operation_id="consent_notices", responses={200: dict})
    def get(self, request: Request) -> Response:
        language = request.query_params.get("language", "en")
        return Response(
            {
                "notices": [
                    {
                        "notice_version": opaque("ntc", one.id),
                        "key": one.key,
                        "version": one.version,
                        "language": one.language,
                        "purposes": list(one.purposes),
                        "title": one.text.title,
                        "body": one.text.body,
                        "content_sha256": one.content_sha256,
                        "published_at": one.published_at,
                    }
                    for one in notices.all_current(language)
                ]
            }
        )


class Keys(APIView):
    """GET: the public key for receipts, as a JWK set (RFC 7517). Open to everybody: that is its point."""

    authentication_classes: tuple[Any, ...] = ()
    permission_classes: tuple[Any, ...] = ()

    @extend_schema(operation_id="consent_keys", responses={200: dict})
    def get(self, request: Request) -> Response:
        return Response({"keys": [signing.public_jwk()]})


def _recorded(result: ledger.Recorded) -> Response:
    body = {
        "event": opaque("cev", result.event_id),
        "status": result.status.value,
        "duplicate": result.duplicate,
        "receipt": receipts.issue(result.event_id),
    }
    return Response(body, status=status.HTTP_200_OK if result.duplicate else status.HTTP_201_CREATED)


def _verdict(verdict: gate.Verdict) -> dict[str, Any]:
    def named(prefix: str, identifier: UUID | None) -> str | None:
        return opaque(prefix, identifier) if identifier else None

    return {
        "allowed": verdict.allowed,
        "reason": verdict.reason.value,
        "basis": verdict.basis.value,
        "subject": opaque("sub", verdict.subject),
        "purpose": verdict.purpose,
        "purpose_version": verdict.purpose_version,
        "channel": verdict.channel.value,
        "event": named("cev", verdict.event_id),
        "notice_version": named("ntc", verdict.notice_version_id),
        "valid_until": verdict.valid_until,
        "at": verdict.at,
    }
