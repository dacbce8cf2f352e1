"""The cast: the same people in every test, in the docs and in the sandbox. All are made up; the numbers are not anybody's.

Staff: Dana (data protection officer), Eli (engineer), Marko (marketer), Ada (auditor).
Data subjects: Alice consents, Bob withdraws, Carol objects, Dave is a minor (his guardian is Grace), Erin asks for erasure,
Frank has his data restricted.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Person:
    """A made-up data subject. PESEL numbers have right check digits."""

    name: str
    email: str
    phone: str
    national_id: str
    birth_date: str
    address: str
    customer_id: str
    note: str
    language: str = "en"

    def values(self) -> dict[str, str]:
        """All identifiers by the names of `pseudonymize` identifier kinds."""
        return {
            "name": self.name,
            "email": self.email,
            "phone": self.phone,
            "national_id": self.national_id,
            "birth_date": self.birth_date,
            "address": self.address,
            "customer_id": self.customer_id,
            "note": self.note,
            "language": self.language,
        }


def pesel(digits: str) -> str:
    """A PESEL from its first ten digits, with its check digit."""
    weights = (1, 3, 7, 9, 1, 3, 7, 9, 1, 3)
    return digits + str(-sum(int(digit) * weight for digit, weight in zip(digits, weights, strict=True)) % 10)


ALICE = Person(
    "Alice Example",
    "alice@example.com",
    "+12025550101",
    "900-12-3456",
    "1984-03-02",
    "1 Main St, Springfield 12345",
    "c-1001",
    "Alice called from +12025550101 about her order.",
)
BOB = Person(
    "Bob Sample",
    "bob@example.com",
    "+12025550102",
    "900-12-3457",
    "1975-07-19",
    "2 Main St, Springfield 12345",
    "c-1002",
    "Bob prefers evenings.",
)
CAROL = Person(
    "Karolina Przykładowa",
    "carol@example.pl",
    "+48601000103",
    pesel("8802290123"),
    "1988-02-29",
    "ul. Polna 3, 00-001 Warszawa",
    "c-1003",
    "Pani Karolina prosi o kontakt na carol@example.pl.",
    "pl",
)
DAVE = Person(
    "Dawid Przykładowy",
    "dave@example.pl",
    "+48601000104",
    pesel("1225010445"),
    "2012-05-01",
    "ul. Polna 4, 00-001 Warszawa",
    "c-1004",
    "",
    "pl",
)
GRACE = Person(
    "Grażyna Przykładowa",
    "grace@example.pl",
    "+48601000105",
    pesel("8001010567"),
    "1980-01-01",
    "ul. Polna 4, 00-001 Warszawa",
    "c-1005",
    "",
    "pl",
)
ERIN = Person(
    "Erin Sample",
    "erin@example.com",
    "+12025550106",
    "900-12-3458",
    "1991-11-30",
    "6 Main St, Springfield 12345",
    "c-1006",
    "Erin asked to be forgotten.",
)
FRANK = Person(
    "Franciszek Przykładowy",
    "frank@example.pl",
    "+48601000107",
    pesel("7012120789"),
    "1970-12-12",
    "ul. Polna 7, 00-001 Warszawa",
    "c-1007",
    "Frank kwestionuje poprawność danych.",
    "pl",
)
SUBJECTS = (ALICE, BOB, CAROL, DAVE, GRACE, ERIN, FRANK)


@dataclass(frozen=True)
class StaffMember:
    name: str
    email: str
    role: str


DANA = StaffMember("Dana", "dana@example.com", "dpo")
ELI = StaffMember("Eli", "eli@example.com", "engineer")
MARKO = StaffMember("Marko", "marko@example.com", "marketer")
ADA = StaffMember("Ada", "ada@example.com", "auditor")
STAFF = (DANA, ELI, MARKO, ADA)
