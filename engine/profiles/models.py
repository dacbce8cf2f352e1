"""Tables of profiles. Rows are written by `projection` in sets."""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from governance.kernel.models import UuidModel


class Profile(models.Model):
    """What a subject's events add up to."""

    subject_id = models.UUIDField(primary_key=True)
    first_event_at = models.DateTimeField()
    last_event_at = models.DateTimeField()
    last_purchase_at = models.DateTimeField(null=True)
    events = models.BigIntegerField()
    baskets = models.BigIntegerField()
    lines = models.BigIntegerField()
    quantity = models.BigIntegerField()
    value_cents = models.BigIntegerField()
    discount_cents = models.BigIntegerField()
    coupon_cents = models.BigIntegerField()
    coupons_redeemed = models.BigIntegerField()
    campaigns_received = models.BigIntegerField()

    class Meta:
        db_table = "engine_profile"
        indexes = [models.Index(fields=["last_purchase_at"], name="profile_last_purchase")]

    def __str__(self) -> str:
        return f"profile {self.pk}"


class SeenBasket(models.Model):
    """Which baskets a profile has counted: a basket's lines come in several batches, and it counts once."""

    pk = models.CompositePrimaryKey("subject_id", "basket")
    subject_id = models.UUIDField()
    basket = models.TextField(db_collation="C")

    class Meta:
        db_table = "engine_profile_basket"


class AbsorbedBatch(models.Model):
    """Which batches the profiles contain."""

    batch = models.IntegerField(primary_key=True)

    class Meta:
        db_table = "engine_profile_batch"

    def __str__(self) -> str:
        return f"batch {self.pk}"


class Segment(UuidModel):
    """A named set of subjects: whoever's profile fits a rule (`engine.profiles.rules`) when it is asked for."""

    key = models.SlugField(max_length=64, unique=True)
    title = models.CharField(max_length=200)
    rule = models.JSONField()

    # Named, because `audit.capture` dresses the manager and the type checker would not recognise it.
    objects: ClassVar[models.Manager[Segment]] = models.Manager()

    class Meta:
        db_table = "engine_segment"

    def __str__(self) -> str:
        return self.key
