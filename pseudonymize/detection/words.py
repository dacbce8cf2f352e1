"""Words that the rules about names must know, one language a list."""

from __future__ import annotations

# ruff: noqa: SIM905  a list of words reads better without its quotes

ENGLISH_WORDS = frozenset(
    """
    Angel April Art August Austin Autumn Baker Bill Bishop Brook Brooklyn Carol Carolina Carter Case Chad
    Charity Charlotte Chase Che China Christian Clay Cliff Constance Cooper Cruz Daisy Dakota Dale Dallas Dash
    Dawn Dean Denver Destiny Dev Don Drew Earl Eden Elder Faith Florence Ford Frank Gene Genesis Georgia Glen
    Grace Grant Guy Harmony Hazel Heath Heaven Holly Honor Hope Houston Hunter Iris Israel Ivy Jack Jackson Jade
    Jasmine Jay Jean Jersey Jewel Jordan Journey Joy June Justice Kelly Kim King Kit Lance Lane Law Lee Liberty
    Lily Lincoln London Madison Major Mark Mary Mason Max May Melody Mercy Miles Miracle Nevada Nick Noble Norm
    Octavia Olive Orlando Our Page Paris Pat Patience Paz Peace Pearl Penny Phoenix Pierce Pilot Price Prince
    Queen Ray Reed Regina Rich Rio Rob Robin Rosa Rose Royal Ruby Sage Sandy Santa Santiago Savannah Sierra Skip
    Sky Sol Star Sterling Stone Storm Sue Summer Sunday Sydney Tell Temple Terra That The There These This
    Tiffany Trinity Troy Van Victor Victoria Violet Virginia Wade Washington Wayne West Will Willow Winter Worth
    You Young Your Zion
    """.split()
)
"""Given names that are also words, months, firms or places: never alone, and not where the model sees a place."""

ENGLISH_NOT_NAMES = frozenset(
    """
    Airport And April Apt August Ave Avenue Bank Bay Beach Boulevard Box City College Company Corp County Court
    December Drive Email Fax February Friday Group Has Hospital Hotel Inc Is Island Islands January Jr July June
    LLC Lane Limited Ltd March May Mobile Monday November October Or Park Phone Place Rd Road Saturday School
    September Square Sr St Street Suite Sunday The Thursday Tuesday Unit University Was Way Wednesday Will
    """.split()
)
"""Capitalised words that follow a name without being a part of it."""

ENUMERATED = frozenset(
    """
    Appendix Block Box Building Chapter Class Floor Gate Grade Group Hepatitis Level Line Model Option Part Plan Platform Room Route
    Section Series Step Suite Team Terminal Type Unit Version Vitamin Wing Zone
    """.split()
)
"""Words that a single letter follows without being an initial."""

POLISH_WORDS = frozenset(
    """
    Dania Jagoda Kalina Lech Lena Marce Marka Marki Pola Wita Witem Stefanie Maja Maju Mają Malina Nadia Roch Róża Róży Wiktoria
    """.split()
)
"""Polish given names that are also words, months or places: not alone."""

POLISH_NOT_NAMES = frozenset(
    """
    Adres Bank Czwartek Czy Data Dowód Dzień Dziękuję Email Faktura Firma Gdańsk Jak Jest Kraków Ma Mieszka Nie
    Niedziela Nip Numer Pesel Piątek Polsce Polska Polski Poniedziałek Pozdrawiam Poznań Proszę Sklep Sobota Tak
    Tel Telefon Ulica Urząd Warszawa Witam Wrocław Wtorek Zamówienie Łódź Środa
    """.split()
)
"""Capitalised words that are no surnames."""

POLISH_GIVEN_NAMES = frozenset(
    """
    Adriana Aga Agata Aleksandra Aleksy Alfred Alicja Amelia Aneta Ania Anna Antek Antonina Asia Barbara Bartosz
    Bartłomiej Basia Beata Beatka Bernard Bogdan Bogumiła Bogusław Bogusława Bolesław Bożena Bronisław
    Bronisława Cecylia Celina Czesław Czesława Danusia Danuta Darek Daria Dominika Edmund Edward Edyta Ela
    Eleonora Elwira Emilia Eugenia Eugeniusz Felicja Feliks Franek Gabriela Genowefa Gerard Gosia Grażyna
    Grzesiek Halina Hania Hanna Helena Henryk Henryka Honorata Ilona Irena Ireneusz Irmina Iwona Iza Izabela
    Jadwiga Jagna Janek Janusz Jarek Jarosław Jaś Joanna Jola Jolanta Julia Jurek Justynka Karolina Kasia
    Katarzyna Kazimiera Kinga Klaudia Klemens Kordian Krysia Krzysiek Kuba Laura Lech Lena Leokadia Leszek
    Liliana Longina Lucjan Lucyna Ludwik Ludwika Maciek Magda Magdalena Maja Maria Marian Mariola Marlena Marta
    Martyna Marysia Marzena Matylda Małgorzata Michalina Michałek Mieczysław Milena Mirek Mirela Mirosław
    Mirosława Natalia Natalka Nel Nikola Nina Ola Olivier Oliwia Otylia Patrycja Paulina Piotrek Pola Przemek
    Rajmund Regina Renata Roman Romana Rościsław Sabina Seweryn Stanisława Staszek Staś Stefania Sławek Sławomir
    Teresa Tereska Tomek Tosia Ula Ulka Violetta Wacław Waldemar Walentyna Wanda Weronika Wiesław Wiesława Wika
    Wiktoria Wincenty Wioletta Wit Wojtek Władysław Władysława Włodzimierz Zbigniew Zbyszek Zdzisław Zdzisława
    Zenon Ziemowit Zofia Zosia Zuzanna Zuzia Zygmunt Łucja Żaneta
    """.split()
)
"""Common Polish given names and their short forms that Faker's list lacks."""

POLISH_SURNAMES = frozenset(
    """
    Banaś Bednarz Gołębiowski Konieczny Kos Kuczyński Marczak Mroczek Muszyński Nowak Rogalski Stachowiak
    Tokarski Wojtas Świątek
    """.split()
)
"""Common Polish surnames that Faker's list lacks."""
