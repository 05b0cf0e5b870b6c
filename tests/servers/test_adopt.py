"""What adopt writes, on the real Prometheus's own tool."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.adopt.test_command import rendered
from tools.adopt.__main__ import main
from tools.servers.find import binary

LABELS = {"severity": "critical", "team": "shop"}
RULES: list[dict[str, Any]] = [
    {"record": "shop:orders:rate5m", "expr": "sum by (namespace, shop) (rate(orders_total[5m]))"},
    {
        "alert": "OrdersStopped",
        "expr": 'shop:orders:rate5m{shop!="closed"} == 0',
        "for": "5m",
        "labels": LABELS,
        "annotations": {"summary": "No orders.", "description": "{{ $labels.shop }} has {{ $value }} orders."},
    },
    {"alert": "QueueLong", "expr": 'queue_length{job="worker"} > 100', "labels": {"severity": "page"}},
    {"alert": "QueueLong", "expr": 'queue_length{job="worker"} > 50', "labels": {"severity": "warning"}},
]
INPUT = {
    'orders_total{namespace="a", shop="one"}': "0+10x5 50x30",
    'orders_total{namespace="a", shop="closed"}': "7x40",
    'orders_total{namespace="b", shop="two"}': "0+10x40",
    'queue_length{job="worker", namespace="a"}': "70x40",
    'queue_length{job="worker", namespace="b"}': "170x40",
    'queue_length{job="other", namespace="c"}': "170x40",
}
FIRING = (
    {"alertname": "OrdersStopped", "namespace": "a", "shop": "one", **LABELS},
    {"alertname": "QueueLong", "job": "worker", "namespace": "a", "severity": "warning"},
    {"alertname": "QueueLong", "job": "worker", "namespace": "b", "severity": "warning"},
    {"alertname": "QueueLong", "job": "worker", "namespace": "b", "severity": "page"},
)
"""At 30 minutes."""


def promtool(*arguments: str | Path) -> str:
    run = subprocess.run([binary("promtool"), *arguments], capture_output=True, text=True, check=False, timeout=120)
    said = run.stdout + run.stderr
    assert run.returncode == 0, said
    return said


def fires(rule_file: Path, expected: Iterable[Mapping[str, str]]) -> None:
    """Asserts that these alerts fire at 30 minutes, and no others."""
    samples = [
        {"labels": f"ALERTS{json.dumps({**labels, 'alertstate': 'firing'})}".replace('": "', '"="'), "value": 1}
        for labels in expected
    ]
    asked = {"expr": 'ALERTS{alertstate="firing"}', "eval_time": "30m", "exp_samples": samples}
    series = [{"series": name, "values": values} for name, values in INPUT.items()]
    tests = [{"interval": "1m", "input_series": series, "promql_expr_test": [asked]}]
    file = rule_file.with_suffix(".test.yaml")
    file.write_text(yaml.safe_dump({"rule_files": [rule_file.name], "evaluation_interval": "1m", "tests": tests}))
    promtool("test", "rules", file)


@pytest.fixture
def adopted(tmp_path: Path) -> Path:
    """A folder with what adopt wrote of the rules, and the stack `dev` with that."""
    spec = {"groups": [{"name": "shop", "rules": RULES}]}
    item = {"kind": "PrometheusRule", "metadata": {"name": "front", "namespace": "shop"}, "spec": spec}
    (tmp_path / "all.yaml").write_text(yaml.safe_dump(item))
    (tmp_path / "theirs.yaml").write_text(yaml.safe_dump(spec))
    assert main([str(tmp_path / "all.yaml"), "--out", str(tmp_path / "adopted")]) == 0
    rendered(tmp_path)
    return tmp_path


def test_promtool_reads_what_is_written(adopted: Path) -> None:
    assert "4 rules found" in promtool("check", "rules", adopted / "adopted" / "content" / "rules" / "shop-front.yaml")


def test_the_same_alerts_fire_on_the_same_series(adopted: Path) -> None:
    fires(adopted / "theirs.yaml", FIRING)
    place = {"cluster": "dev-1", "environment": "dev", "system": "content"}
    ours = [{**each, **place, "owner": each.get("team", "platform")} for each in FIRING]
    for each in ours:
        each["severity"] = each["severity"].replace("page", "critical")
    fires(adopted / "rendered" / "config" / "prometheus" / "rules" / "content-shop-front-shop.yml", ours)
