"""The one abstract base of our tables."""

from django.db import models

from governance.kernel.ids import uuid7


class UuidModel(models.Model):
    """A row whose key is a UUIDv7, known before it is saved: ciphertext and log entries are bound to it."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)

    class Meta:
        abstract = True
