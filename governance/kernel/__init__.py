"""The floor everything stands on: errors, clock, ids, canonical JSON, the one crypto module, the one logging module, registries.

It owns no tables and imports nothing of ours. Whatever two packages need and neither owns belongs here, if it fits this sentence.
"""
