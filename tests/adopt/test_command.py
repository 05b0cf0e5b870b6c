"""The command: what it reads and writes, what it refuses, and that its result renders."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.adopt.fields import FIELDS
from tests.adopt.shapes import BOARD, RULE, SMALLEST, with_field
from tests.stack_settings import config
from tools import render
from tools.adopt.__main__ import main
from tools.local.stack_text import merged, stack_text

VALUES = """
prometheus:
  prometheusSpec: {retention: 30d}
alertmanager:
  config:
    route: {receiver: chat, routes: [{receiver: chat, matchers: [severity = critical]}]}
    receivers: [{name: chat, slack_configs: [{api_url: https://hooks.example.com/abc-secret}]}]
"""


def cluster_objects() -> str:
    """One of each kind, as kubectl prints a list."""
    items: list[dict[str, Any]] = [
        {"apiVersion": "v1", "kind": kind, "metadata": {"name": "front", "namespace": "shop"}, "spec": spec}
        for kind, spec in SMALLEST.items()
    ]
    board = {"name": "boards", "namespace": "shop", "labels": {"grafana_dashboard": "1"}}
    items.append({"apiVersion": "v1", "kind": "ConfigMap", "metadata": board, "data": {"shop.json": BOARD}})
    return yaml.safe_dump({"apiVersion": "v1", "kind": "List", "items": items})


def adopt(folder: Path, text: str, *more: str, values: str = "") -> int:
    (folder / "all.yaml").write_text(text)
    (folder / "values.yaml").write_text(values)
    given = ("--values", str(folder / "values.yaml")) if values else ()
    return main([str(folder / "all.yaml"), *given, "--out", str(folder / "adopted"), *more])


def files(folder: Path) -> dict[str, str]:
    return {str(each.relative_to(folder)): each.read_text() for each in sorted(folder.rglob("*")) if each.is_file()}


def rendered(folder: Path) -> dict[str, str]:
    """The stack `dev` with the result in it."""
    parts = yaml.safe_load((folder / "adopted" / "stack.yaml").read_text())["config"]
    sections = {name.partition(":")[2]: section for name, section in parts.items()}
    stack = folder / "Pulumi.tried.yaml"
    stack.write_text(stack_text(merged(config("dev"), sections)))
    assert render.main(["tried", "--stack-file", str(stack), "--out", str(folder / "rendered")]) == 0
    return files(folder / "rendered")


def test_one_of_each_kind_renders(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert adopt(tmp_path, cluster_objects(), values=VALUES) == 0
    said = capsys.readouterr().out
    assert "Carried over: rules 1, scrape jobs 3, probed addresses 1, dashboards 1, receivers 2, routes 3" in said
    assert sorted(files(tmp_path / "adopted")) == [
        "content/dashboards/shop.json",
        "content/rules/shop-front.yaml",
        "report.md",
        "stack.yaml",
    ]
    made = rendered(tmp_path)
    assert "ShopClosed" in made["config/prometheus/rules/content-shop-front-shop.yml"]
    assert "grafana/dashboards/shop.json" in made
    prometheus = "".join(text for name, text in made.items() if name.startswith("config/prometheus/"))
    for part in ("job_name: front", "job_name: shop-front", "db.example.com:9100", "https://shop.example.com/"):
        assert part in prometheus
    assert "ShopClosed (warning, platform) reaches" in capsys.readouterr().out


def test_an_object_with_every_field_renders(tmp_path: Path) -> None:
    items = []
    for kind, fields in FIELDS.items():
        for number, (path, value) in enumerate(fields.items()):
            spec: Any = with_field(SMALLEST[kind], path, value)
            items.append({"kind": kind, "metadata": {"name": f"n{number}", "namespace": f"s{number}"}, "spec": spec})
    assert adopt(tmp_path, yaml.safe_dump({"kind": "List", "items": items})) == 0
    assert rendered(tmp_path)


def test_no_secret_is_written(tmp_path: Path) -> None:
    adopt(tmp_path, cluster_objects(), values=VALUES)
    written = files(tmp_path / "adopted")
    assert "abc-secret" not in str(written)
    report = written["report.md"]
    assert "| pulumi config set --secret shopLoginIt" in report
    assert "pulumi config set --secret chatApiURL    # in plain text: " in report


def test_the_same_objects_give_the_same_files(tmp_path: Path) -> None:
    (tmp_path / "again").mkdir()
    adopt(tmp_path, cluster_objects(), values=VALUES)
    adopt(tmp_path / "again", cluster_objects(), values=VALUES)
    again = {name: text.replace("again/", "") for name, text in files(tmp_path / "again" / "adopted").items()}
    assert again == files(tmp_path / "adopted")


def test_a_folder_that_is_there_is_not_overwritten(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "adopted").mkdir()
    assert adopt(tmp_path, cluster_objects()) == 1
    assert capsys.readouterr().err == (
        f"{tmp_path}/adopted: is there already, and is not overwritten: move it away, or give another --out\n"
    )
    assert files(tmp_path / "adopted") == {}


UNUSABLE = {
    "no YAML": ("a: [", "all.yaml:2: not YAML"),
    "no object": ("a: b", "all.yaml:1: no object of Kubernetes: give what this prints: kubectl get prometheusrules"),
    "a list of texts": ("kind: List\nitems: [a]", "all.yaml:2: no object of Kubernetes"),
}


@pytest.mark.parametrize(("text", "why"), UNUSABLE.values(), ids=UNUSABLE)
def test_a_file_that_is_no_list_of_objects_is_refused(
    text: str, why: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert adopt(tmp_path, text) == 1
    assert why in capsys.readouterr().err
    assert not (tmp_path / "adopted").exists()


def test_a_file_that_is_not_there_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(tmp_path / "no.yaml"), "--out", str(tmp_path / "adopted")]) == 1
    assert capsys.readouterr().err == f"{tmp_path}/no.yaml: cannot be read: No such file or directory\n"


def test_something_to_read_is_needed(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main([])
    assert "a FILE or --values is needed" in capsys.readouterr().err


def test_help_has_the_two_commands(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--help"])
    said = capsys.readouterr().out
    assert "kubectl get prometheusrules,servicemonitors,podmonitors,probes,scrapeconfigs,alertmanagerconfigs -A" in said
    assert "kubectl get configmaps -l grafana_dashboard -A -o yaml" in said


def test_objects_of_other_kinds_are_listed(tmp_path: Path) -> None:
    other = [{"kind": kind, "metadata": {"name": "a", "namespace": "b"}} for kind in ("Secret", "Deployment")]
    assert adopt(tmp_path, yaml.safe_dump({"kind": "List", "items": other})) == 0
    report = (tmp_path / "adopted" / "report.md").read_text()
    assert "Secret b/a: secrets are not read" in report
    assert "Deployment b/a: Deployment is not read" in report


def test_kubectl_s_unquoted_equals_sign_is_text(tmp_path: Path) -> None:
    text = """
kind: AlertmanagerConfig
metadata: {name: a, namespace: b, creationTimestamp: 2026-11-28}
spec:
  receivers: [{name: c, webhookConfigs: [{urlSecret: {name: d, key: e}}]}]
  route:
    receiver: c
    matchers:
    - matchType: =
      name: severity
      value: critical
"""
    assert adopt(tmp_path, text) == 0
    assert "severity:\n      - critical" in (tmp_path / "adopted" / "stack.yaml").read_text()


@pytest.mark.parametrize("spec", ["text", ["a"], {"groups": "a"}, {"groups": [["a"]]}, {"groups": [{"rules": ["a"]}]}])
def test_a_rule_object_of_another_shape_is_listed(spec: object, tmp_path: Path) -> None:
    item = {"kind": "PrometheusRule", "metadata": {"name": "a"}, "spec": spec}
    assert (
        adopt(
            tmp_path,
            yaml.safe_dump(
                {"kind": "List", "items": [item, {**item, "spec": {"groups": [{"name": "b", "rules": [RULE]}]}}]}
            ),
        )
        == 0
    )
    assert "expected here" in (tmp_path / "adopted" / "report.md").read_text()
    assert "ShopClosed" in str(files(tmp_path / "adopted"))
