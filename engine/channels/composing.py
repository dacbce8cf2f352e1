"""A batch of claims becomes a batch of messages: the template in each person's language, their name where it has a slot, their link."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final
from uuid import UUID

from django.conf import settings

from engine.channels import mime
from engine.channels.adapters import Message
from engine.channels.claiming import ClaimedMessage, Order
from engine.channels.errors import AddressNotUsable
from engine.channels.links import token_for
from engine.channels.mime import Skeleton
from engine.content import templates
from engine.content.slots import CONTROLLER, NAME
from pseudonymize.vault import IdentifierKind

EVERY_ACTION: Final = "*"
Known = Mapping[IdentifierKind, str]


@dataclass(frozen=True, slots=True)
class Ready:
    """A message on its way, and the text that it is made from."""

    dispatch_id: UUID
    template_id: UUID
    message: Message


@dataclass(slots=True)
class Composed:
    """What can be sent, and why the rest cannot."""

    ready: list[Ready] = field(default_factory=list)
    unreachable: dict[UUID, str] = field(default_factory=dict)


def needs_name(order: Order) -> bool:
    """Whether the template asks for the person's name; if not, the vault is not asked for it (Art. 5(1)(c))."""
    return NAME in templates.get(order.template_key, order.template_version, "en").slots


def compose_batch(order: Order, people: Sequence[tuple[ClaimedMessage, Known]], *, sender: str) -> Composed:
    """The messages of a batch. Somebody without a usable address, or without a name that the text needs, is left out with the reason."""
    composed = Composed()
    date = mime.date_header()
    texts = {
        language: templates.get(order.template_key, order.template_version, language)
        for language in templates.LANGUAGES
    }
    skeletons = {language: _skeleton(text.id, sender, order.purpose) for language, text in texts.items()}
    values = {
        (action, language): {CONTROLLER: settings.ZGODA_CONTROLLER, **_values(order, action, language)}
        for action in {one.action for one, _ in people}
        for language in texts
    }
    for claimed, known in people:
        language = known.get(IdentifierKind.LANGUAGE, "en")
        language = language if language in texts else "en"
        template = texts[language]
        if NAME in template.slots and not known.get(IdentifierKind.NAME, "").strip():
            composed.unreachable[claimed.dispatch_id] = "no_name"
            continue
        try:
            address = mime.usable_address(known.get(IdentifierKind.EMAIL, ""))
        except AddressNotUsable:
            composed.unreachable[claimed.dispatch_id] = "no_usable_address"
            continue
        data = mime.compose(
            skeletons[language],
            to=address,
            message_id=claimed.dispatch_id.hex,
            token=token_for(claimed.dispatch_id),
            values={**values[claimed.action, template.language], NAME: known.get(IdentifierKind.NAME, "")},
            date=date,
        )
        composed.ready.append(Ready(claimed.dispatch_id, template.id, Message(str(claimed.dispatch_id), address, data)))
    return composed


def _values(order: Order, action: str, language: str) -> dict[str, str]:
    """The campaign's own slots for this action in this language; English where there is no other."""
    given = {**order.slot_values.get(EVERY_ACTION, {}), **order.slot_values.get(action, {})}
    return {
        slot: value if isinstance(value, str) else value.get(language, value["en"]) for slot, value in given.items()
    }


@lru_cache(maxsize=64)
def _skeleton(template_id: UUID, sender: str, purpose: str) -> Skeleton:
    """Built once per process and text: a published text never changes."""
    template = templates.by_id(template_id)
    return mime.build_skeleton(
        template.subject_line,
        template.text,
        template.html,
        sender=sender,
        language=template.language,
        unsubscribe_base=f"{settings.ZGODA_PUBLIC_URL}/u/",
        list_id=f"{purpose.replace('_', '-')}.{mime.domain_of(settings.ZGODA_PUBLIC_URL)}",
    )
