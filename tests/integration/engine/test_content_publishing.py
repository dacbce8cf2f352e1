"""Publishing: versions that never change, in each language, and never with somebody's data in them."""

import pytest
from django.db import IntegrityError, transaction

from audit.models import Entry
from engine.channels import campaigns
from engine.content import templates
from engine.content.errors import PersonalDataInTemplate, TemplateUnknown
from engine.content.models import TemplateVersion
from engine.content.templates import Draft
from tests.integration.consent import arrange
from tests.integration.consent.arrange import STAFF

pytestmark = pytest.mark.django_db
LINK = "{{ unsubscribe_url }}"


def publish(
    text: str = "Hello.", *, html: str = "", subject: str = "News", reviewed: tuple[str, ...] = ()
) -> templates.Published:
    draft = Draft("en", subject, f"{text} {LINK}", f'{html}<a href="{LINK}">stop</a>' if html else "")
    return templates.publish("news", [draft], slots_declared={"unsubscribe_url"}, reviewed=reviewed, actor=STAFF)


def test_versions_follow_one_another_and_saying_the_same_again_is_the_same_version() -> None:
    assert publish().version == 1
    assert publish().version == 1
    assert publish("Hello again.").version == 2
    assert publish().version == 3
    assert Entry.objects.filter(action="content.template_published").count() == 3


def test_a_published_version_cannot_be_changed_or_deleted() -> None:
    publish()
    for change in (lambda: TemplateVersion.objects.update(text="other"), TemplateVersion.objects.all().delete):
        with pytest.raises(IntegrityError), transaction.atomic():
            change()


def test_english_stands_in_for_a_language_that_is_not_there() -> None:
    version = publish().version
    assert templates.get("news", version, "pl").language == "en"
    with pytest.raises(TemplateUnknown):
        templates.get("news", 99, "en")
    with pytest.raises(TemplateUnknown):
        templates.newest("nothing")


@pytest.mark.parametrize(
    ("text", "html"),
    [
        ("Write to alice@example.com today.", ""),
        ("Hello.", "<p>Write to alice@example.com</p>"),
        ("Hello.", '<a href="mailto:alice@example.com">write</a>'),
        ("Hello.", "<p>Write to alice&#64;example.com</p>"),
        ("Her number is 900-12-3456, tell nobody.", ""),
    ],
)
def test_a_text_with_somebodys_data_is_refused_without_repeating_it(text: str, html: str) -> None:
    with pytest.raises(PersonalDataInTemplate) as refused:
        publish(text, html=html)
    assert refused.value.fields["findings"]
    assert "alice" not in repr((refused.value.detail, refused.value.fields))
    assert "900-12" not in repr((refused.value.detail, refused.value.fields))
    assert not TemplateVersion.objects.exists()


def test_the_controllers_own_contacts_may_stand_in_a_text(settings: object) -> None:
    assert publish("Questions? Write to dpo@example.com.").version == 1


def test_a_phrase_that_was_reviewed_may_look_like_a_person_but_an_address_never() -> None:
    with pytest.raises(PersonalDataInTemplate):
        publish("Greetings from John Smith, our founder since 1900.")
    assert publish("Greetings from John Smith, our founder since 1900.", reviewed=("John Smith",)).version == 1
    with pytest.raises(PersonalDataInTemplate):
        publish("Write to john@smith.example.com.", reviewed=("john@smith.example.com",))


def test_values_of_a_campaign_are_read_too() -> None:
    arrange.purpose()
    templates.publish(
        "offer",
        [Draft("en", "News", "{{ offer }} {{ unsubscribe_url }}")],
        slots_declared={"offer", "unsubscribe_url"},
        actor=STAFF,
    )
    with pytest.raises(PersonalDataInTemplate):
        campaigns.prepare(
            "x",
            purpose="newsletter",
            template="offer",
            slot_values={"*": {"offer": "Ask alice@example.com"}},
            actor=STAFF,
        )
