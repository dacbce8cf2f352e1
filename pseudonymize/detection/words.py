"""Words that the rules about names must know, one language a list."""

from __future__ import annotations

# ruff: noqa: SIM905  a list of words reads better without its quotes

ENGLISH_WORDS = frozenset(
    """
    Abbey Ade Alba Ale Alfa Ama Amber Angel Ani Ante April Archer Art Aru Atlas August Aura Aurora Austin Autumn Baba Baker
    Bali Bas Basil Beau Bella Bent Berg Beryl Beta Bill Bishop Bitten Blessing Brandy Brit Brook Brooklyn Cal Campo Canal
    Candela Carmine Carol Carolina Carter Case Chad Charity Charlotte Chase Che China Christian Clay Cliff Comfort Conn
    Constance Constant Cooper Coral Cord Corona Cruz Crystal Curt Daisy Dakota Dale Dallas Darling Dash Dawn Dean Del Denver
    Destiny Dev Diamond Dom Don Drago Drew Duke Duma Earl Eden Edit Elder Emerald Eta Faith Fancy Feline Flora Florence Ford
    Forum Franc Frank Gal Gala Garret Gene Genesis Georgia German Glen Grace Grant Greet Grit Gust Guy Hardy Harm Harmony
    Harper Harsh Hazel Heath Heaven Henna Hind Holly Honor Hope Houston Hunter Ide Imam Immaculate Ina Innocent Ion Iris
    Israel Ivy Jack Jackson Jade Jail Jasmine Jasper Jay Jean Jersey Jet Jewel Joke Jordan Journey Joy June Junior Justice
    Kaiser Kelly Kick Kim King Kit Lady Lance Lander Lane Lavender Law Lea Lean Lee Liberty Lien Lily Lincoln Loan London
    Lone Loot Lore Love Lucky Lut Mac Mad Madison Magnolia Major Mar Mare Marina Marine Mark Mart Marten Martial Mary Mason
    Mate Max Maxim Maxima May Melody Mentor Mercy Merlin Mile Miles Miller Miracle Mist Moa Mora Nae Nail Nevada Nick Nil
    Noble Norm Nova Octavia Oda Odd Olive Ora Orlando Our Owe Page Paris Pastor Pat Patience Patty Paw Paz Peace Pearl Peer
    Penny Phoenix Pier Pierce Pilot Piper Poppy Price Prince Prudence Puck Purity Queen Raid Ray Reed Regina Rein Ria Rich
    Rim Rio Roar Rob Robin Rosa Rose Rosy Royal Ruby Rune Rut Sad Safari Saga Sage Sai Sandy Santa Santiago Savannah Scarlet
    Scot Serge Server Sever Sherry Sierra Sil Silva Skip Sky Smith Sol Sole Sonata Star Stein Sterling Stone Storm Sue Summer
    Sunday Sydney Tai Tanner Tatu Tea Tell Temple Terra That The There These This Tiffany Til Till Tone Tor Tore Tory Toy Tri
    Trinity Troy Urban Valentine Van Veer Victor Victoria Villa Violet Virginia Wade Wadi Wage Washington Wayne West Wilder
    Will Willow Winter Worth Yaw Yoga You Young Your Zion
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
    Appendix Block Box Building Chapter Class Floor Gate Grade Group Hepatitis Level Line Model Option Part Plan
    Platform Room Route Section Series Step Suite Team Terminal Type Unit Version Vitamin Wing Zone
    """.split()
)
"""Words that a single letter follows without being an initial."""

POLISH_WORDS = frozenset(
    """
    Sylwester Gracja Aurora Bella
    Dania Jagoda Kalina Lech Lena Marce Marka Marki Pola Wita Witem Stefanie Maja Maju Mają Malina Nadia Roch Róża
    Róży Wiktoria
    """.split()
)
"""Polish given names that are also words, months or places: not alone."""

POLISH_NOT_NAMES = frozenset(
    """
    Styczeń Luty Marzec Kwiecień Maj Czerwiec Lipiec Sierpień Wrzesień Październik Listopad Grudzień
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

POLISH_TOWNS = frozenset(
    """
    Krakowie Lublinie Poznaniu Toruniu Radomiu Bytomiu Olsztynie Koninie Kole Kaliszu Sopocie Gdyni Łodzi Chełmie
    Sanoku Pile Nysie Turku Śremie Warszawie Warszawą Warszawę Warszawy Rzymie Paryżu Kubie Malcie Kanadzie Irlandii
    Jordanii Florencji Weronie Nicei Helu Kutnie Bielsku Zabrzu Gliwicach Tychach Wiśle Ustce Łebie Giżycku Mielcu
    Tarnowie Kielcach Zamościu Przemyślu Krosnie Lesznie Elblągu Suwałkach Ełku Augustowie
    """.split()
)
"""Towns and countries in forms that some rare given name has too."""

POLISH_PRODUCTS = frozenset(
    """
    burger bukiet ławka pościel deser lody jogurt tort sandały kozaki botki czapka szalik rękawice piżama body śpiwór namiot plecak walizka
    sofa kanapa lampa komoda szafa półka sukienka bluzka spódnica kurtka koszula torebka torba szminka pomadka maskara
    mgiełka świeca pościel kołdra poduszka pizza sałatka zupa herbata kawa czekolada wódka woda nalewka kuchnia wersja
    edycja odmiana róża huśtawka zasłona tapeta zastawa patelnia doniczka wanna umywalka bateria łazienka sypialnia
    jadalnia kolekcja seria linia marka oferta promocja aplikacja krem fotel stół stolik model zestaw szampon żel
    perfumy serum tonik balsam lakier puder podkład tusz but buty płaszcz sweter dywan regał materac narożnik komplet
    garnek nóż serwis rower wózek zegarek telefon laptop tablet robot odkurzacz ekspres czajnik toster zapach krzesło
    łóżko biurko lustro mydło masło piwo wino ciasto okno osiedle apartament hotel pensjonat domek wariant kolor
    odcień wzór kubek
    """.split()
)
"""Common nouns that a given name in the nominative follows as the name of a thing."""

GERMAN_NOT_NAMES = frozenset(
    """
    Abo Abteilung Adresse Aktion Aktionen Angebot Angebote Anfrage Anruf Antwort April Artikel August Auftrag Bank
    Bestellung Bestellungen Bewertung Bitte Bluse Brief Bundesliga Bundestag CDU CSU Code Computer Dame Damen Danke
    Datum Der Dezember Die Dienstag Dienst Donnerstag Dr Ehe Ein Eine Einen Email Er Es EU Euro Event Ex FDP Februar
    Film Filiale Firma Formular Freitag Freunde Frühling Fußball Gast Gästen Gespräch Gewinner Gewinnspiel Grüne Grüße
    Gruß Guten Gutschein Gutscheincode Hallo Handy Herbst Herr Herren Herrn Hi Hotel Ich Ihr Ihre Ihren Ihrem Im In
    Info Infos Instagram Internet Jacke Januar Jeans Juli Juni Kasse Kauf Kette Kinder Kleid Klinik Kollektion Kontakt
    Konto Kosten Krankenhaus Kreis Kunde Kunden Kundin Kundendienst Kundenkonto Kundenservice Köln Lager Laden Liebe
    Lieber Lieferung Link Mail Mai Marke Markt Meine Mich Mir Mitarbeiter Mittwoch Mode Modell Mode Montag Mit März
    Nach Nachricht Neue Neu Newsletter Nein Nie November Nummer Ob Oder Oktober Online Ort Paket Pakete Park Partei
    Partner Pause Person Platz Post Postleitzahl Preis Preise Problem Produkt Produkte Profil Projekt Prozent Punkt
    Qualität Rabatt Rechnung Rechnungen Regierung Retoure Rezept Rose SPD Samstag Schuhe Sehr Sendung Seit Seite
    September Service Sie Sieg Sofa Sonder Sommer Sonntag Spieler Sprecher Staat Stadion Stadt Stelle Stunden Super
    Tasche Team Telefon Telefonnummer Termin Test Tipp Tor Trainer Treffen Treuepunkte Tür Umtausch Und Universität
    Unternehmen Urlaub Verein Verkäufer Verlag Versand Vertrag Video Viele Von War Ware Warum Was Wegen Welche Wenn
    Wer Werbung Werk Wie Winter Wir Wo Woche Wochen Zahlung Zeit Zu Zum Zug Zur Zwei Bayern Berlin Hamburg München
    Frankfurt Stuttgart Düsseldorf Wien Zürich Bremen Leipzig Dresden Hannover Nürnberg Österreich Schweiz Deutschland
    Europa USA Russland Frankreich Italien Spanien England Türkei Polen Paris London Rom Brüssel Moskau Washington
    Bahnhof Amazon Google Apple Microsoft Facebook Twitter Aldi Lidl Edeka Rewe Otto Zalando Siemens Bosch Adidas Puma
    Nivea Mercedes Porsche BMW Audi
    """.split()
)
"""Capitalised German words that are no part of a name: what shops, services and newspapers write about."""

GERMAN_WORDS = frozenset(
    """
    August Bernstein Christian Daisy Ernst Faith Flora Florian Frank Gloria Grace Heide Hella Hope Iris Jasmin Jade
    Joy Kai Kim Kirsche Linde Mai Marine Mark Markt May Melodie Merle Mila Miles Mina Mond Olive Otto Perle Rosa Rose
    Romy Ruby Safari Saskia Sky Stella Stern Summer Viola Violetta Wilde Wolf Amber Ambra Art Bea Bella Blanka Bora
    Carina Carmen Chance Dena Diana Eden Edel Ella Elan Enno Erika Ewig Fee Felicitas Ferien Fidel Gala Gene Globus
    Golden Gut Hall Heil Hilde Ida Karo Kilian Kira Lachs Lara Laser Leo Lore Lotte Luna Magna Malve Marie Media Mona
    Nova Ora Pia Prima Rad Reiner Roman Ronja Ruth Sana Selig Sina Sol Sonny Star Thea Tilia Toll Uhr Veit Vera Vita
    Walter Wald Will Winter
    """.split()
)
"""German given names that are words, months or brands too: alone only after a title or a saying."""

GERMAN_PRODUCTS = frozenset(
    """
    sofa sessel stuhl tisch regal lampe leuchte vase teppich bett matratze kissen decke kleid bluse rock hose jacke
    mantel schuh stiefel tasche rucksack parfum parfüm creme seife shampoo lippenstift modell kollektion serie linie
    marke tee kaffee schokolade torte pizza wein sekt bier rose tulpe sorte hotel restaurant café schiff sturm orkan
    tief hoch zug platz straße schule kirche sankt st insel villa haus stiftung schrank
    """.split()
)
"""German common nouns that a name follows as the name of a thing."""
