"""Sentences of Polish marketing and customer service.

`{p:gen}` is a person in a case, `{w:…}` a woman, `{m:…}` a man, `{g:…}` a given name, `{s:…}` a surname; the rest are identifiers.
"""

from __future__ import annotations

PERSONS = """
Dzwoniła pani {w:nom} w sprawie faktury.
Rozmawiałem wczoraj z {p:inst} o zwrocie.
Faktura dla {p:gen} została wysłana.
Proszę oddzwonić do {g:gen} po 16.
Szanowny Panie {m:gv}, dziękujemy za zakupy!
Szanowna Pani {w:gv}, Pani zamówienie jest gotowe.
Zamówienie złożył {m:nom}, odbierze {w:nom}.
Nazywam się {p:nom} i chcę zrezygnować z newslettera.
Pan {m:s:nom} prosi o kontakt.
Przekazałam paczkę {p:dat}.
Widziałem {p:acc} na konferencji.
W imieniu {p:gen} pytam o rabat.
Reklamacja: {p:nom}, numer zamówienia 44512.
{p:nom}, dyrektor marketingu, ogłosiła nową kampanię.
Kurier zostawił przesyłkę u {p:gen}.
Pozdrawiam, {p:nom}
Z poważaniem
{p:nom}
Napisała do nas {w:nom}. {w:g:nom} chce wymienić buty.
Spotkanie z {m:inst} i {w:inst} przeniesione na piątek.
Cześć {g:voc}, kod rabatowy wygasa jutro!
Konto {p:gen} zostało zablokowane.
Klientka {w:s:nom} zgłosiła brak dostawy.
Rozmawialiśmy o {p:loc} na spotkaniu zespołu.
Zwycięzcą konkursu został {m:nom} z Gdańska.
Opiekunem oferty jest {p:nom} (tel. w stopce).
Do: {p:nom}; temat: wiosenna promocja
Według {p:gen} krem podrażnia skórę.
Prosił o to {m:nom}, nie ja.
Mąż {w:gen} odbierze zamówienie w sobotę.
Podziękowania dla {w:gen} za świetną obsługę!
""".strip().split("\n")

IDENTIFIERS = """
PESEL: {pesel}
mój pesel to {pesel}, proszę sprawdzić
Klient o numerze PESEL {pesel} wycofał zgodę.
NIP {nip}
Proszę o fakturę na firmę, NIP: {nip}.
faktura vat na {nip_dashed}
REGON {regon}
Firma o REGON-ie {regon} złożyła wniosek.
dowód osobisty {id_card}
Legitymuję się dowodem seria i numer {id_card}.
paszport nr {passport}
Numer paszportu: {passport}
Przelew na konto {iban} proszę.
Nr rachunku: {iban}
{iban}
tel. {phone}
Proszę dzwonić pod numer {phone} po 17.
kontakt: {phone}
Mój numer to {phone}
Auto o numerze rejestracyjnym {plate} stoi na parkingu.
nr rej. {plate}
Mail: {email}
Piszcie na {email}, odpowiem.
Wysyłka na adres {address}.
Mieszkam przy {address}
Dane do umowy: {pesel}, {id_card}, tel. {phone}, {email}
""".strip().split("\n")

NEGATIVES = """
Nowa kolekcja wiosenna już w sklepach, rabaty do 50 %!
Sofa Marta i fotel Oskar w promocji tylko do niedzieli.
Zapraszamy na ulicę Marii Konopnickiej 12 oraz do galerii przy placu Piłsudskiego.
Krem Nivea i szampon Schauma kupisz w Rossmannie.
W marcu, kwietniu i maju wysyłka gratis.
Zamówienie nr 5512839001 wysłane, kwota 1 299,99 zł.
Środa to dobry dzień na zakupy, a Maj to miesiąc promocji.
Róża, Malina i Jagoda to nowe smaki herbaty Lipton.
Regulamin promocji „Złota Jesień” dostępny na stronie.
Jak Polska długa i szeroka, Poczta Polska dowozi paczki.
Warszawa, Kraków, Łódź, Wrocław i Poznań – odbiór osobisty.
Bank Śląski i Uniwersytet Warszawski podpisały umowę.
Towar dotarł uszkodzony, proszę o zwrot pieniędzy.
Kod EAN 5901234123457, indeks 123456789.
Perfumy Calvin Klein 100 ml oraz zegarek Daniel Wellington.
Dzień Matki, Walentynki i Boże Narodzenie – planuj kampanie z nami.
Święty Mikołaj rozdaje prezenty w Galerii Krakowskiej.
Osiedle Jana III Sobieskiego, przystanek Rondo Dmowskiego.
Szkoła im. Adama Mickiewicza kupiła 30 laptopów Lenovo.
Wersja 2.10.3 aplikacji działa na Androidzie i iOS.
Kuchnia włoska, Pizza Margherita i makaron Barilla.
Zniżka 20 zł przy zakupach za min. 200 zł w dniach 1.05–31.05.2025.
Baran, Byk i Bliźnięta: horoskop zakupowy na czerwiec.
Dobry wieczór, czy ten Kocioł ma gwarancję? Król cen wrócił!
Biedronka, Lidl i Żabka walczą o klienta.
Odkurzacz Zelmer, czajnik Bosch, telewizor Samsung 55 cali.
Góra Kalwaria, Nowy Targ i Zielona Góra bez dopłat.
Instytut Kopernika zaprasza na wystawę w Centrum Nauki.
Polityka prywatności i Regulamin zmieniają się od 1 stycznia.
Łączna liczba punktów: 12 450. Ważne do 31.12.2026.
Lis Polska, Sowa Cukiernia, Wójcik Meble – lista partnerów programu.
Dlaczego Wasza reklama wyświetla się trzy razy dziennie?
Hotel Zofia w Zakopanem, pensjonat Anna w Sopocie – voucher gratis.
Czekolada Wedel, delicje, ptasie mleczko; Kinder Bueno 2+1.
Marka własna, Dobra cena, Zawsze świeże.
Numer partii 22 33 444 555 66, LOT A1234567, rozmiar 40-42.
""".strip().split("\n")
