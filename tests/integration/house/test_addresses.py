"""Addresses that belong to no package: what probes and browsers ask for by themselves."""

from __future__ import annotations

import pytest
from django.contrib.staticfiles import finders
from django.test import Client

pytestmark = pytest.mark.django_db


def test_an_idle_house_is_alive_and_ready(client: Client) -> None:
    assert client.get("/livez").json() == {"status": "alive"}
    assert client.get("/readyz").json()["checks"]["migrations"] == "ok"


def test_the_icon_that_browsers_ask_for_is_a_file_of_ours(client: Client) -> None:
    answer = client.get("/favicon.ico")
    assert answer.status_code == 301
    assert finders.find(answer["Location"].removeprefix("/static/")) is not None
