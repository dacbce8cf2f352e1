"""Registers what this package tells the others at start-up, and syncs the catalogue after every migration."""

from __future__ import annotations

from typing import Any

from django.apps import AppConfig
from django.db.models.signals import post_migrate
from django.utils.translation import gettext_lazy as _


class CatalogueConfig(AppConfig):
    name = "governance.catalogue"
    label = "catalogue"
    verbose_name = _("Data map")

    def ready(self) -> None:
        from audit import capture
        from governance.catalogue.models import Field

        capture.configuration(Field)
        post_migrate.connect(_after_migrations, sender=self, dispatch_uid="catalogue.sync")


def _after_migrations(plan: Any = None, using: str = "default", **signal: Any) -> None:
    """Tables have changed when a plan was carried out forwards; there is nothing to do after a mere flush."""
    from django.db import connections

    from governance.catalogue.sync import sync

    forwards = bool(plan) and not any(backwards for _migration, backwards in plan)
    if forwards and "catalogue_field" in connections[using].introspection.table_names():
        sync()
