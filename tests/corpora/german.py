"""Sentences of German marketing and customer service; see `polish` for the slots."""

from __future__ import annotations

PERSONS = """
Sehr geehrte Frau {s}, Ihre Bestellung ist unterwegs.
Sehr geehrter Herr Dr. {s}, vielen Dank.
{p} hat gestern angerufen und sich beschwert.
Bitte rufen Sie {p} unter der bekannten Nummer zurück.
Hallo {g}, dein Gutschein läuft morgen ab!
Liebe {g}, wir vermissen dich.
Viele Grüße, {p}
Mit freundlichen Grüßen
{p}
Ich heiße {p} und möchte kündigen.
Der Kunde {p} wartet auf seine Rechnung.
Die Retoure von {p} ist eingegangen.
Das Paket ging an {p} in Hamburg.
Kollegin {p} übernimmt die Kampagne.
Herr {s} und Frau {s} haben den Newsletter abbestellt.
Ansprechpartner: {p}, Vertrieb
Wir haben mit {p} und {p} gesprochen.
{p}, Geschäftsführerin, stellte die Strategie vor.
Gewonnen hat {p} aus Köln.
{g} meinte, die Schuhe seien zu klein.
Die Adresse von {g} hat sich geändert.
Bewertung von {p}: tolle Qualität!
{p} sagte, die Aktion laufe gut. {again} will mehr Budget.
Laut {p} war der Service freundlich.
Name: {p}
""".strip().split("\n")

IDENTIFIERS = """
Steuer-ID: {tax_id}
Meine Steueridentifikationsnummer lautet {tax_id}.
Sozialversicherungsnummer {social}
SV-Nr. {social}
Personalausweis {id_card}
Reisepass Nr. {passport}
IBAN: {iban}
Bitte auf {iban} überweisen.
Tel.: {phone}
Rufen Sie mich an: {phone}
Mobil {phone}
Kennzeichen {plate}
Das Auto mit dem Kennzeichen {plate} steht im Hof.
E-Mail: {email}
Lieferung an {address}
Ich wohne in der {address}.
""".strip().split("\n")

NEGATIVES = """
Die neue Kollektion ist da: Sommerkleider ab 29,99 Euro.
Sofa Anna und Sessel Oskar jetzt im Angebot.
Unsere Filiale in der Goethestraße 12 hat bis 20 Uhr geöffnet.
Im März und April ist der Versand kostenlos.
Bestellnummer 4711001234, Artikel 123456789, Größe 42.
Rose, Lavendel und Minze: drei neue Sorten Tee.
Der Frank kostet heute 1,05 Euro, der Markt ist ruhig.
Nivea Creme, Dr. Oetker Pudding und Haribo im Doppelpack.
Berlin, Hamburg, München und Köln ohne Aufpreis.
Peek & Cloppenburg und Calvin Klein Unterwäsche reduziert.
Ihr Gutschein gilt bis zum 31.12.2026.
Schreiner, Bäcker und Müller gesucht!
Das Paket kam beschädigt an, bitte um Erstattung.
Der Karl-Marx-Platz wird umgebaut, die Schillerschule bleibt offen.
Version 3.2.1 der App läuft auf Android.
Ein Koch und ein Richter gehen in eine Bar.
Kundenservice, Datenschutz und Impressum finden Sie unten.
Rabatt von 20 Prozent auf alle Lampen der Serie Klara.
Bosch, Siemens und Miele: Geräte für Ihre Küche.
Winter, Sommer und Herbst: die Wolf Gartengeräte halten.
""".strip().split("\n")
