"""The stage: an empty database with the tables, the purposes and the notices of a retailer."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from django.core.management import call_command
from django.db import connection, transaction
from django.db.backends.utils import CursorWrapper

from consent import notices
from consent.terms import Channel, NoticeVersionId
from governance.demo.errors import NotADemonstration
from governance.kernel import clock
from governance.purposes import register
from governance.purposes.terms import LegalBasis

OFFERS, TRAINING, STATISTICS = "offers", "model_training", "statistics"
_MARK = "Zgoda demonstration"


@dataclass(frozen=True, slots=True)
class Replaced:
    """What an earlier run had left in this database."""

    made_on: str
    subjects: int
    events: int
    entries: int


def clear_stage() -> Replaced | None:
    """Empty a database that an earlier demonstration filled; None when there was none.

    Raises NotADemonstration when it holds people from elsewhere: nothing is touched then.
    """
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT obj_description('public'::regnamespace, 'pg_namespace')")
        mark = cursor.fetchone()[0] or ""
        counts = {name: _count(cursor, name) for name in ("pseudonymize_data_subject", "engine_event", "audit_entry")}
        if counts["pseudonymize_data_subject"] and not mark.startswith(_MARK):
            raise NotADemonstration(
                "The vault holds people that no demonstration made. Use another database (ZGODA_VAR or DATABASE_URL)."
            )
        if not mark.startswith(_MARK):
            return None
        cursor.execute("DROP SCHEMA public CASCADE")
        cursor.execute("CREATE SCHEMA public")
    return Replaced(mark.removeprefix(_MARK).strip(), *counts.values())


def _count(cursor: CursorWrapper, table: str) -> int:
    cursor.execute("SELECT to_regclass(%s)", [table])
    if cursor.fetchone()[0] is None:
        return 0
    cursor.execute(f"SELECT count(*) FROM {table}")  # noqa: S608 - the names above
    return int(cursor.fetchone()[0])


def set_stage() -> None:
    """Create the tables and mark the database as the demonstration's own."""
    call_command("migrate", verbosity=0)
    with connection.cursor() as cursor:
        cursor.execute(f"COMMENT ON SCHEMA public IS '{_MARK} {clock.now():%Y-%m-%d %H:%M} UTC'")


def define_purposes() -> int:
    """Three purposes of a retailer, in force since two years ago, so that last year's consents have something to agree to."""
    since = clock.now() - timedelta(days=730)
    register.define(
        OFFERS,
        title_en="Offers by e-mail", title_pl="Oferty e-mailem",
        description_en="We choose offers from what you buy and send them to you by e-mail.",
        description_pl="Dobieramy oferty na podstawie Twoich zakupów i wysyłamy je e-mailem.",
        legal_basis=LegalBasis.CONSENT, channels=[Channel.EMAIL, Channel.PROFILING],
        double_opt_in=True, direct_marketing=True, validity_days=730, effective_from=since,
    )  # fmt: skip
    register.define(
        TRAINING,
        title_en="Improving our models", title_pl="Ulepszanie naszych modeli",
        description_en="Models learn from your purchases under a pseudonym; they never see who you are.",
        description_pl="Modele uczą się na Twoich zakupach pod pseudonimem; nigdy nie widzą, kim jesteś.",
        legal_basis=LegalBasis.CONSENT, channels=[Channel.TRAINING], validity_days=730, effective_from=since,
    )  # fmt: skip
    register.define(
        STATISTICS,
        title_en="Statistics", title_pl="Statystyka",
        description_en="We count purchases with added noise, so that no answer says anything about one person.",
        description_pl="Liczymy zakupy z dodanym szumem, tak aby żadna odpowiedź nie mówiła nic o jednej osobie.",
        legal_basis=LegalBasis.LEGITIMATE_INTEREST, channels=[Channel.ANALYTICS], effective_from=since,
    )  # fmt: skip
    return len(register.all_current())


def publish_notices() -> dict[str, NoticeVersionId]:
    """The notice in both languages, with all that Art. 13 asks for."""
    return {
        "en": notices.publish(
            "shop", "en",
            title="How we use what you buy",
            body="If you agree, we choose offers from your purchases and send them by e-mail, "
            "and our models learn from them under a pseudonym.",
            purposes=[OFFERS, TRAINING, STATISTICS],
            recipients=["our mail provider"], data_categories=["contact data", "purchases"],
            retention="Purchases for three years; consents for as long as they must be proved.",
            rights="You can see, correct, take or delete your data, restrict or object to its use, at any time.",
            withdrawal="One click in every message, or here, at any time; it does not touch what was lawful before.",
            complaint="You can complain to the President of the Personal Data Protection Office (UODO).",
            legitimate_interests="Knowing how the shops do as a whole, from noisy counts.",
            automated_decisions="A model estimates whether you are about to stop shopping; it decides who gets which offer. "
            "You can ask why and contest it.",
        ),
        "pl": notices.publish(
            "shop", "pl",
            title="Jak korzystamy z danych o Twoich zakupach",
            body="Za Twoją zgodą dobieramy oferty do Twoich zakupów i wysyłamy je e-mailem, "
            "a nasze modele uczą się na nich pod pseudonimem.",
            purposes=[OFFERS, TRAINING, STATISTICS],
            recipients=["nasz dostawca poczty"], data_categories=["dane kontaktowe", "zakupy"],
            retention="Zakupy przez trzy lata; zgody tak długo, jak trzeba je móc wykazać.",
            rights="W każdej chwili możesz zobaczyć, poprawić, przenieść lub usunąć swoje dane, ograniczyć ich użycie albo się sprzeciwić.",
            withdrawal="Jednym kliknięciem w każdej wiadomości albo tutaj, w każdej chwili; "
            "nie zmienia to zgodności z prawem tego, co było wcześniej.",
            complaint="Możesz złożyć skargę do Prezesa Urzędu Ochrony Danych Osobowych (UODO).",
            legitimate_interests="Wiedza, jak działają sklepy jako całość, z zaszumionych liczb.",
            automated_decisions="Model szacuje, czy przestajesz robić zakupy; decyduje, kto dostanie jaką ofertę. "
            "Możesz zapytać dlaczego i to zakwestionować.",
        ),
    }  # fmt: skip
