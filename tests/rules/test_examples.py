"""What the words of an example mean."""

from __future__ import annotations

from dataclasses import replace

import pytest

from model.datasources import PROMETHEUS
from model.grafana_alert import GrafanaAlert
from model.rules import Severity
from rules.nodes.alerts.disks import READ_ONLY, SPACE_LOW
from tests.rules.examples import counters, critical, example, gauges, histogram, metric, of, warning

ON_GRAFANA = GrafanaAlert(
    name=SPACE_LOW.name,
    value="vector(1)",
    datasource=PROMETHEUS,
    by=(),
    below=SPACE_LOW.below,
    owner=SPACE_LOW.owner,
    summary=SPACE_LOW.summary,
    description="A disk is almost full.",
    dashboard=SPACE_LOW.dashboard,
    no_data_state="OK",
    exec_err_state="OK",
)


def test_what_is_critical_fires_as_a_warning_too_with_the_same_text() -> None:
    fires = critical("sda is full.", "0%", device="sda")
    tried = example("a disk is full", SPACE_LOW, fires=[fires])
    assert tried.firing == (fires, replace(fires, severity=Severity.WARNING))
    assert tried.quiet == ()
    assert tried.sentence == "DiskSpaceRunningLow: critical and warning when a disk is full"


def test_grafana_fires_once_since_it_has_one_rule_for_all_severities() -> None:
    tried = example("a disk is full", ON_GRAFANA, gives={of(): 0}, fires=[critical("Full.")])
    assert [firing.severity for firing in tried.firing] == [Severity.CRITICAL]


def test_several_subjects_fire_each_at_its_own_severity() -> None:
    tried = example("a", SPACE_LOW, fires=[warning("sda", device="sda"), critical("sdb", device="sdb")])
    assert [(firing.severity, firing.description) for firing in tried.firing] == [
        (Severity.WARNING, "sda"),
        (Severity.CRITICAL, "sdb"),
        (Severity.WARNING, "sdb"),
    ]


def test_the_next_severity_is_just_below_its_line_unless_the_example_is_far_from_it() -> None:
    assert example("a", SPACE_LOW, fires=[warning("sda")]).quiet == (Severity.CRITICAL,)
    assert example("a", SPACE_LOW).quiet == (Severity.WARNING,)
    assert example("a", SPACE_LOW, near=False).quiet == ()


def test_an_alert_fires_at_no_severity_that_it_does_not_have() -> None:
    wrong = "NodeFilesystemReadOnly when a: fires as warning, but the rule's severities are: critical"
    with pytest.raises(ValueError, match=wrong):
        example("a", READ_ONLY, fires=[warning("sda")])


def test_series_of_the_usual_shapes_are_what_promtool_reads() -> None:
    labels = {"job": "loki", "instance": "a"}
    assert metric("up", labels, instance="b") == 'up{instance="b", job="loki"}'
    assert gauges({"free": 0.5}, 20) == {"free": "0.5x20"}
    assert counters({"bytes_total": 1_500_000}, 20) == {"bytes_total": "0+1500000x20"}
    assert histogram("seconds", {"job": "loki"}, {"1.0": 3, "+Inf": 4}, 20) == {
        'seconds_bucket{job="loki", le="1.0"}': "0+3x20",
        'seconds_bucket{job="loki", le="+Inf"}': "0+4x20",
    }
