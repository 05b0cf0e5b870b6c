"""Dashboards in ConfigMaps are carried over as they are."""

from __future__ import annotations

import json

import pytest

from tests.adopt.shapes import BOARD, dashboards, read, result, said
from tests.content import brought
from tools.adopt.notes import Kind


def test_a_dashboard_is_a_file_in_its_folder() -> None:
    after = result(dashboards({"Shop Board.json": BOARD}, grafana_folder="/boards/Our Shop!"))
    assert after.content == {"dashboards/Our Shop/shop-board.json": BOARD}
    assert [each.folder for each in brought(after.content).watched.dashboards] == ["Our Shop"]


def test_folders_that_differ_in_spelling_are_one() -> None:
    boards = [
        dashboards({f"{uid}.json": BOARD.replace('"shop"', f'"{uid}"')}, grafana_folder=folder)
        for uid, folder in {"a": "shop", "b": "Shop", "c": "kubernetes"}.items()
    ]
    after = result(*boards)
    assert list(after.content) == ["dashboards/shop/a.json", "dashboards/shop/b.json", "dashboards/Kubernetes/c.json"]
    assert brought(after.content), "the last is the folder that the stack has itself"


LOST = {
    "no JSON": ({"a.json": "{"}, "data.a.json: not JSON"),
    "no dashboard": ({"a.json": "{}"}, "data.a.json: no dashboard"),
    "no PromQL": ({"a.json": BOARD.replace("up", "sum(")}, "not PromQL"),
    "another file": ({"a.txt": "a"}, "data.a.txt: a dashboard is in a key that ends in .json"),
    "a uid of the stack": ({"a.json": BOARD.replace('"shop"', '"kubernetes-cluster"')}, "give it another"),
    "one uid twice": ({"a.json": BOARD, "b.json": BOARD}, 'data.a.json has the uid "shop" too'),
    "a datasource of another kind": (
        {"a.json": BOARD.replace('"up"', '"up", "datasource": {"type": "mysql"}')},
        "mysql",
    ),
}


@pytest.mark.parametrize(("data", "why"), LOST.values(), ids=LOST)
def test_a_dashboard_that_the_stack_refuses_is_listed(data: dict[str, str], why: str) -> None:
    after = result(dashboards(data))
    assert why in said(after, Kind.LOST)[0]
    assert len(after.content) < len(data)


def test_a_dashboard_that_selects_a_job_that_there_is_not_is_to_be_checked() -> None:
    after = result(
        dashboards({"a.json": BOARD.replace('"up"', json.dumps('up{job="db"} + up{job=~"$job"} + up{job="$one"}'))})
    )
    why = "and no job is called so: write the new name, or delete what asks"
    assert said(after, Kind.CHECK) == [f'dashboards/a.json: selects job="db", {why}']


def test_compressed_dashboards_are_listed() -> None:
    metadata = {"name": "boards", "namespace": "shop"}
    after = result(*read({"kind": "ConfigMap", "metadata": metadata, "binaryData": {"a.json.gz": "aaaa"}}))
    assert said(after, Kind.LOST) == ["binaryData: compressed: give it as text, in data"]
