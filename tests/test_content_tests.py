"""The promtool tests of every recorded stack's content pass. Without promtool, `make conformance` runs them."""

from __future__ import annotations

from components.settings.content import gathered
from rules.content.folders import Folders
from tests.content import rules
from tests.stack_settings import RECORDED, config
from tools.content_tests import tried
from tools.recorder import ROOT
from tools.servers.find import there

FAILING = """
rule_files: [a.yaml]
tests:
  - interval: 1m
    input_series: [{series: 'up{job="a"}', values: "0x5"}]
    alert_rule_test: [{alertname: Mine, eval_time: 3m, exp_alerts: []}]
"""


def every_folder() -> Folders:
    return {name: files for stack in RECORDED for name, files in gathered(config(stack), ROOT).items()}


def test_the_tests_of_content_pass() -> None:
    if there("promtool"):
        assert_they_pass()


def assert_they_pass() -> None:
    said = {path: verdict for name, files in every_folder().items() for path, verdict in tried(name, files).items()}
    assert said, "the example has tests"
    assert {path: verdict for path, verdict in said.items() if verdict} == {}


def test_the_report_of_a_failing_test_of_content_has_what_promtool_says() -> None:
    if there("promtool"):
        assert_a_failure_is_told()


def assert_a_failure_is_told() -> None:
    mine = rules("- {alert: Mine, expr: up == 0}")
    made = f"kind: PrometheusRule\nspec:\n{''.join(f'  {line}{chr(10)}' for line in mine.splitlines())}"
    for text in (mine, made):
        said = tried("ours/", {"ours/rules/a.yaml": text, "ours/rules/a.test.yaml": FAILING})
        assert "alertname: Mine" in said["ours/rules/a.test.yaml"], "both forms of rule files are tested"
