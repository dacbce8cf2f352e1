"""Staff, roles, service clients."""

from django.apps import AppConfig
from django.apps import apps as installed
from django.db.models.signals import post_migrate


class AccountsConfig(AppConfig):
    name = "governance.accounts"
    label = "accounts"
    verbose_name = "Staff and service clients"

    def ready(self) -> None:
        from allauth.account.decorators import secure_admin_login
        from django.contrib import admin

        from governance.accounts import login, schema  # noqa: F401 - the scheme registers itself

        post_migrate.connect(_seed_roles, dispatch_uid="accounts.seed_roles")
        login.record_wrong_codes()
        # The console has no login form of its own: it sends visitors to ours, with its lock-out and second factor.
        admin.site.login = secure_admin_login(admin.site.login)  # type: ignore[method-assign]


def _seed_roles(sender: AppConfig, using: str, **_: object) -> None:
    """After the last app of a migration run, when every permission exists."""
    from django.contrib.auth.management import create_permissions

    from governance.accounts import roles

    last = [config for config in installed.get_app_configs() if config.models_module is not None][-1]
    if sender is last and using == "default":
        create_permissions(sender, verbosity=0, using=using)
        roles.seed()
