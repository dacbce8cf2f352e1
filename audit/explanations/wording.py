"""The words around the reasons, English and Polish, at the reading level of a letter to everybody. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

LANGUAGES: Final = ("en", "pl")
Text = Mapping[str, str]

# What came out, by whether a computer decided alone.
CHOSEN: Final[Mapping[bool, Text]] = {
    True: {"en": "A computer chose “{result}” for you.", "pl": "Komputer wybrał dla Ciebie: „{result}”."},
    False: {
        "en": "A computer and a person chose “{result}” for you.",
        "pl": "Komputer i człowiek wybrali dla Ciebie: „{result}”.",
    },
}
# Nobody has named the result in words: its code is none.
CHOSEN_WITHOUT_A_NAME: Final[Mapping[bool, Text]] = {
    True: {"en": "A computer made a choice for you.", "pl": "Komputer dokonał dla Ciebie wyboru."},
    False: {
        "en": "A computer and a person made a choice for you.",
        "pl": "Komputer i człowiek dokonali dla Ciebie wyboru.",
    },
}
NOTHING_CHOSEN: Final[Mapping[bool, Text]] = {
    True: {
        "en": "A computer chose nothing for you this time.",
        "pl": "Tym razem komputer nic dla Ciebie nie wybrał.",
    },
    False: {
        "en": "A computer and a person chose nothing for you this time.",
        "pl": "Tym razem komputer i człowiek nic dla Ciebie nie wybrali.",
    },
}
MAIN_REASON: Final[Text] = {
    "en": "What counted most: {reason}",
    "pl": "Najbardziej liczyło się to: {reason}",
}
CONSENT: Final[Text] = {
    "en": "We used your data for this because you agreed to it. You can take that back at any time.",
    "pl": "Użyliśmy do tego Twoich danych, bo się na to zgadzasz. Zgodę możesz wycofać w każdej chwili.",
}
OTHER_BASIS: Final[Text] = {
    "en": "Why we may use your data for this is explained in our notice. You can object at any time.",
    "pl": "Dlaczego możemy użyć do tego Twoich danych, wyjaśnia nasza informacja. Możesz się sprzeciwić w każdej chwili.",
}
NOTICE: Final[Text] = {"en": "The notice was version {notice}.", "pl": "Informacja: wersja {notice}."}
CHANCE: Final[Text] = {
    "en": "Chance had a part in it: for some people we try things out at random, to learn what helps.",
    "pl": "Udział miał też przypadek: u części osób próbujemy różnych rzeczy losowo, by sprawdzić, co pomaga.",
}
RIGHTS: Final[Text] = {
    "en": "You can ask for a person to look at this decision, say what you think of it, and object.",
    "pl": "Możesz poprosić, by tę decyzję sprawdził człowiek, przedstawić swoje zdanie i wnieść sprzeciw.",
}
CORRECTION: Final[Text] = {
    "en": "Is something about you wrong here? You can have it corrected.",
    "pl": "Coś tu się nie zgadza? Możesz poprosić o poprawienie swoich danych.",
}
NO_CHANGE: Final[Text] = {
    "en": "There is no change within your control that would have changed the result.",
    "pl": "Żadna zmiana, która zależy od Ciebie, nie zmieniłaby wyniku.",
}
BOTH_CHANGES: Final[Text] = {
    "en": "It takes both of these together. {first} {second}",
    "pl": "Potrzebne są obie zmiany razem. {first} {second}",
}
TRADE_SECRET: Final[Text] = {
    "en": "A feature that is a trade secret; an authority or a court can see it.",
    "pl": "Cecha objęta tajemnicą przedsiębiorstwa; wgląd ma urząd albo sąd.",
}
EXACT_REASONS: Final[Text] = {
    "en": "The reasons are the sum that made the score, and nothing else went into it.",
    "pl": "Powody to suma, z której powstał wynik; nic innego na niego nie wpłynęło.",
}
ESTIMATED_AFTERWARDS: Final[Text] = {
    "en": "The reasons were worked out later. Another way to work them out can give other reasons.",
    "pl": "Powody obliczono po fakcie. Inny sposób obliczenia może wskazać inne powody.",
}
ESTIMATED_REASONS: Final[Text] = {
    "en": "The reasons were worked out later by the method {method}, compared with {background}. Another method can give other reasons.",
    "pl": "Powody obliczono po fakcie metodą {method}, w porównaniu z: {background}. Inna metoda może wskazać inne powody.",
}
ALIKE: Final[Text] = {
    "en": "These counted too, each about as much as the others:",
    "pl": "Liczyło się też to, każde mniej więcej tak samo:",
}
WITHHELD: Final[Text] = {
    "en": "There are reasons that we do not show here, because they are business secrets. An authority or a court can see them.",
    "pl": "Są powody, których tu nie pokazujemy, bo to tajemnica firmy. Może je zobaczyć urząd albo sąd.",
}
UNWORDED: Final[Text] = {
    "en": "There are reasons that we have no words for yet. Ask a person to look at the decision.",
    "pl": "Są powody, dla których nie mamy jeszcze słów. Poproś, by decyzję sprawdził człowiek.",
}
PAPER: Final[Mapping[str, Mapping[str, str]]] = {
    "en": {
        "title": "Why me?", "what": "What was decided", "why": "Why", "ground": "Why we may use your data", "not_used": "What was not used",
        "change": "What would have changed it", "rights": "What you can do", "about": "About this paper", "number": "Decision",
    },
    "pl": {
        "title": "Dlaczego ja?", "what": "Co zostało wybrane", "why": "Dlaczego", "ground": "Dlaczego możemy użyć Twoich danych",
        "not_used": "Czego nie użyto", "change": "Co zmieniłoby wynik", "rights": "Co możesz zrobić", "about": "O tym dokumencie",
        "number": "Decyzja",
    },
}  # fmt: skip
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

LONGEST_SENTENCE: Final = 25
# Words that speak of other people: with a number in the same text, it would tell something about them.
OTHERS: Final = (
    "other people", "other customers", "others", "average customer", "most people", "inni", "innych", "innym osobom", "pozostał",
    "przeciętn", "większość osób",
)  # fmt: skip
