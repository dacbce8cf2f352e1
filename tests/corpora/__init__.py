"""Marketing texts made up with a seed, with the places of the personal data in them: what detection is developed and measured on.

Nobody in them exists; names are put together from lists of our own and of Faker. `marketing.texts(language, part)` makes them.
"""
