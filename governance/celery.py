"""Celery, as a wake-up: its messages carry no data. Work itself is rows (`governance.jobs`)."""

import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "governance.settings")

app = Celery("zgoda")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks(["governance.jobs"], related_name="wakeup")
