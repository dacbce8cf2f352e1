"""The three doors: REST, the console, the command line."""

import json
from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.test import Client
from rest_framework.test import APIClient

from governance.accounts import clients, roles
from governance.accounts.models import User
from governance.aggregates import budgets, datasets, ledger, releases
from governance.aggregates.models import Budget, Release
from governance.aggregates.noise import Charge
from governance.aggregates.queries import Query
from governance.kernel.actors import SYSTEM
from governance.kernel.clock import now
from tests.integration.aggregates.conftest import BUDGET, DATASET, ELI, PURPOSE
from tests.people import ADA, DANA, MARKO
from tests.people import ELI as ENGINEER

BY_STORE = {"dataset": DATASET, "measure": "count_people", "group_by": "store", "cap": 2, "epsilon": 0.1}


def holding(*scopes: str) -> APIClient:
    key = clients.issue("pipeline", scopes, now() + timedelta(days=1), SYSTEM)
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {key.key_text}")
    return client


def post(client: APIClient, path: str, body: dict):
    return client.post(f"/api/v1/aggregates/{path}", body, format="json")


def test_asking_over_rest_and_reading_the_release_again(budget):
    client = holding("aggregates:run", "aggregates:read")
    made = post(client, "releases", BY_STORE | {"budget": BUDGET})
    assert made.status_code == 201, made.json()
    answer = made.json()
    assert [row["key"] for row in answer["rows"]] == ["north", "south", "west"]
    assert (answer["charged"], answer["budget_left"], answer["unit"]) == (0.1, 0.9, "people")
    assert all(row["adjusted"] == max(row["value"], 0) for row in answer["rows"])
    assert answer["post_processing"] == "not_negative"
    again = post(client, "releases", BY_STORE | {"budget": BUDGET})
    assert (again.status_code, again.json()["charged"], again.json()["id"]) == (200, 0.0, answer["id"])
    read = client.get(f"/api/v1/aggregates/releases/{answer['id']}")
    assert read.json()["rows"] == answer["rows"]
    assert [kept["id"] for kept in client.get("/api/v1/aggregates/releases").json()["results"]] == [answer["id"]]


def test_releases_come_in_pages_newest_first(budget):
    made = [
        releases.ask(Query(DATASET, "count", cap=cap), epsilon=0.01, budget=BUDGET, actor=ELI).id for cap in (1, 2, 3)
    ]
    client = holding("aggregates:read")
    first = client.get("/api/v1/aggregates/releases?page_size=2").json()
    second = client.get(first["next"]).json()
    assert [answer["query"]["cap"] for answer in first["results"] + second["results"]] == [3, 2, 1]
    assert second["next"] is None
    assert len(set(made)) == 3


def test_what_can_be_asked_and_what_it_would_cost(budget):
    client = holding("aggregates:read")
    (described,) = [d for d in client.get("/api/v1/aggregates/datasets").json()["results"] if d["key"] == DATASET]
    assert described["groups"] == {"store": ["north", "south", "west"], "day": [1, 2], "postcode": None}
    assert described["measures"]["amount"] == {"low": 0, "high": 5000, "unit": "cent"}
    estimate = post(client, "estimates", BY_STORE).json()
    assert (estimate["epsilon"], estimate["keys"], estimate["sensitivity"]) == (0.1, 3, 2)
    assert client.get("/api/v1/aggregates/budgets").json()["results"][0]["epsilon_left"] == 1.0


def test_looking_is_not_spending(budget):
    assert post(holding("aggregates:read"), "releases", BY_STORE | {"budget": BUDGET}).status_code == 403
    assert holding("aggregates:run").get("/api/v1/aggregates/budgets").status_code == 403
    assert post(APIClient(), "releases", BY_STORE | {"budget": BUDGET}).status_code == 401
    assert holding("consent:read").get("/api/v1/aggregates/datasets").status_code == 403
    assert budgets.get(BUDGET).epsilon_used == 0


@pytest.mark.parametrize(
    ("change", "status", "code"),
    [
        ({"measure": "median"}, 422, "invalid_input"),
        ({"groupby": "store"}, 422, "invalid_input"),
        ({"group_by": "city"}, 422, "question_refused"),
        ({"group_by": "postcode"}, 422, "keys_not_public"),
        ({"where": [{"column": "store", "op": "eq", "value": "east"}]}, 422, "question_refused"),
        ({"where": [{"column": "store", "op": "eq", "value": {"a": 1}}]}, 422, "invalid_input"),
        ({"where": [{"column": "store", "op": "eq", "value": None}]}, 422, "invalid_input"),
        ({"where": [{"column": "day", "op": "eq", "value": True}]}, 422, "invalid_input"),
        ({"where": "store"}, 422, "invalid_input"),
        ({"epsilon": 0}, 422, "charge_refused"),
        ({"epsilon": "NaN"}, 422, "invalid_input"),
        ({"epsilon": 1.5}, 403, "budget_spent"),
        ({"delta": 1e-7}, 422, "charge_refused"),
        ({"mechanism": "uniform"}, 422, "invalid_input"),
        ({"cap": 10**30}, 422, "question_refused"),
        ({"dataset": "nothing"}, 404, "dataset_unknown"),
        ({"budget": "shop.baskets/marketing"}, 404, "budget_unknown"),
        ({"budget": "\0"}, 422, "invalid_input"),
    ],
)
def test_a_refusal_says_why_and_costs_nothing(budget, change, status, code):
    answer = post(holding("aggregates:run"), "releases", BY_STORE | {"budget": BUDGET} | change)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert budgets.get(BUDGET).epsilon_used == 0


def test_a_release_that_is_not_there_is_not_found(budget):
    client = holding("aggregates:read")
    assert client.get("/api/v1/aggregates/releases/rel_01").status_code == 422
    assert client.get("/api/v1/aggregates/releases/rel_" + "0" * 26).status_code == 404


def member(person) -> Client:
    user = User.objects.create_user(person.email, "a long enough password")
    roles.grant(user, roles.Role(person.role), actor=SYSTEM)
    client = Client()
    client.force_login(user)
    return client


def test_the_console_shows_how_a_budget_burns_down(budget):
    release = releases.ask(Query(DATASET, "mean", "amount", group_by="store"), epsilon=0.25, budget=BUDGET, actor=ELI)
    dana = member(DANA)
    page = dana.get(f"/console/aggregates/budget/{budget.id}/change/")
    assert page.status_code == 200
    assert b"0.75 of 1 epsilon left after 1 releases" in page.content
    assert b"Reserved" in page.content
    assert dana.get("/console/aggregates/budget/").status_code == 200
    assert dana.get("/console/aggregates/spend/").status_code == 200
    listed = dana.get("/console/aggregates/release/")
    assert b"mean of amount by store in shop.baskets" in listed.content
    figures = dana.get(f"/console/aggregates/release/{release.id}/change/")
    assert b"north" in figures.content


def test_a_budget_is_opened_in_the_console_and_never_changed(dataset, db):
    dana = member(DANA)
    form = {"about": DATASET, "epsilon_total": "2.5", "delta_total": "0.000001"}
    made = dana.post("/console/aggregates/budget/add/", form)
    assert made.status_code == 302
    assert (budgets.get(BUDGET).epsilon_total, budgets.get(BUDGET).delta_total) == (2.5, 1e-6)
    again = dana.post("/console/aggregates/budget/add/", form)
    assert b"This dataset has a budget for its purpose." in again.content
    assert Budget.objects.count() == 1
    changed = dana.post(f"/console/aggregates/budget/{budgets.get(BUDGET).id}/change/", form | {"epsilon_total": "9"})
    assert changed.status_code == 403
    assert budgets.get(BUDGET).epsilon_total == 2.5


@pytest.mark.parametrize("person", [ENGINEER, ADA, MARKO])
def test_others_do_not_open_budgets(dataset, db, person):
    assert (
        member(person).post("/console/aggregates/budget/add/", {"about": DATASET, "epsilon_total": "9"}).status_code
        == 403
    )
    assert not Budget.objects.exists()


def test_the_report_says_what_is_left_and_what_used_it(budget):
    releases.ask(Query(DATASET, "count"), epsilon=0.25, budget=BUDGET, actor=ELI)
    out = StringIO()
    call_command("budget_report", BUDGET, stdout=out)
    assert "0.75" in out.getvalue()
    assert "whole" in out.getvalue()
    out = StringIO()
    call_command("budget_report", BUDGET, "--json", stdout=out)
    report = json.loads(out.getvalue())
    assert report["budgets"][0]["epsilon_left"] == 0.75
    assert [step["epsilon_used"] for step in report["burn_down"]] == [0.25]
    assert report["rolled_back"] == []
    with pytest.raises(CommandError):
        call_command("budget_report", "nothing/here")
    with pytest.raises(CommandError):
        call_command("budget_report", "--recover")


def test_the_report_recovers_a_restored_ledger(budget):
    ledger.reserve(budget.id, Charge.of(0.1), query_sha256="", actor=ELI)
    err = StringIO()
    call_command("budget_report", BUDGET, "--recover", stdout=StringIO(), stderr=err)
    assert "epsilon 0.0" in err.getvalue()


def test_releases_are_there_when_the_dataset_is_gone(budget):
    release = releases.ask(Query(DATASET, "count"), epsilon=0.1, budget=BUDGET, actor=ELI)
    datasets.unregister(DATASET)
    assert releases.get(release.id).dataset == DATASET
    assert Release.objects.count() == 1
    assert budgets.find(DATASET, PURPOSE) is not None
