"""Zgoda: the Django project and the policy core.

What is composed here (settings, urls, the embedded database, Celery) may import everything; nothing imports it.
The layers are listed in `pyproject.toml` and held by import-linter.
"""
