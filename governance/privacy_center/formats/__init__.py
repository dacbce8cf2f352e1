"""How dates are written where the language alone does not say it: in English as in Europe, so that no day is taken for a month."""
