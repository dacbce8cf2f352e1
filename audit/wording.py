"""The words around the reasons, English and Polish, at the reading level of a letter to everybody. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

LANGUAGES: Final = ("en", "pl")
Text = Mapping[str, str]

CHOSEN: Final[Text] = {
    "en": "A computer chose “{result}” for you.",
    "pl": "Komputer wybrał dla Ciebie: „{result}”.",
}
NOTHING_CHOSEN: Final[Text] = {
    "en": "A computer chose nothing for you this time.",
    "pl": "Tym razem komputer nic dla Ciebie nie wybrał.",
}
MAIN_REASON: Final[Text] = {
    "en": "What counted most: {reason}",
    "pl": "Najbardziej liczyło się to: {reason}",
}
CONSENT: Final[Text] = {
    "en": "We used your data for this because you agreed to it. You can take that back at any time. The notice was version {notice}.",
    "pl": "Użyliśmy do tego Twoich danych, bo się na to zgadzasz. Zgodę możesz wycofać w każdej chwili. Informacja: wersja {notice}.",
}
OTHER_BASIS: Final[Text] = {
    "en": "Why we may use your data for this is explained in our notice, version {notice}. You can object at any time.",
    "pl": "Dlaczego możemy użyć do tego Twoich danych, wyjaśnia nasza informacja, wersja {notice}. Możesz się sprzeciwić w każdej chwili.",
}
CHANCE: Final[Text] = {
    "en": "Chance had a part in it: for some people we try things out at random, to learn what helps.",
    "pl": "Udział miał też przypadek: u części osób próbujemy różnych rzeczy losowo, by sprawdzić, co pomaga.",
}
RIGHTS: Final[Text] = {
    "en": "You can ask for a person to look at this decision, say what you think of it, and object.",
    "pl": "Możesz poprosić, by tę decyzję sprawdził człowiek, przedstawić swoje zdanie i wnieść sprzeciw.",
}
NOT_USED: Final[Mapping[str, tuple[str, ...]]] = {
    "en": (
        "your name, address, e-mail address and phone number",
        "your health, religion, origin, political views, trade union, sex life and other data of special categories",
    ),
    "pl": (
        "Twoje imię i nazwisko, adres, e-mail i numer telefonu",
        "dane o zdrowiu, wyznaniu, pochodzeniu, poglądach, związkach zawodowych, życiu seksualnym i inne dane wrażliwe",
    ),
}

# Words in the name of a feature or in a reason that point to a special category of data (Art. 9(1)), in both languages.
SPECIAL: Final = (
    "health", "illness", "disab", "pregnan", "religio", "ethnic", "racial", "race_", "politic", "trade_union", "trade union",
    "sexual", "orientation", "genetic", "biometric", "zdrow", "chorob", "niepełnospr", "ciąż", "wyznani", "religij", "etniczn",
    "rasow", "polityczn", "związk zawodow", "seksualn", "genetyczn", "biometryczn",
)  # fmt: skip
LONGEST_SENTENCE: Final = 25
