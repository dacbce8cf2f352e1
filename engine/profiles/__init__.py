"""Profiles: one row per subject with what their events add up to, and segments over these rows.

What must stay true: a profile equals its subject's events, whether it was kept up batch by batch or rebuilt from nothing; each batch
counts once, in whatever order batches are absorbed; nobody's profile outlives their events.
"""
