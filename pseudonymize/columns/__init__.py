"""Columns under a policy: tokens, free text and what only the vault can answer. What executors run alone knows no Django."""
