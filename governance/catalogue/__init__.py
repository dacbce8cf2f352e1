"""The catalogue: which systems hold which data sets, which fields they have, of which category, for which purpose, kept how long.

Owns: the map of the data (Art. 30(1)(c) and (f), 5(2)). What exists is read off the code (models and personal-data sources) and never
typed by hand; what it is for is decided by people, and their decisions survive every synchronisation. Must stay true: every table of
the service is in the catalogue, and every field with personal data that lacks a purpose or a retention is on one list.
"""
