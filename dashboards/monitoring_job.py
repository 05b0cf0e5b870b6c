"""Cost of one scrape job: its series by metric and label."""

from __future__ import annotations

from dashboards.annotations import alerts_of
from dashboards.model import Dashboard, Panel, Query, Row, Visualization, alert_time_series, stat, variable
from dashboards.monitoring_cost import disk_a_day
from model.metrics import Unit
from model.promql import narrowed
from rules.monitoring.alerts import targets
from rules.monitoring.recordings import LARGEST_TARGET, SAMPLES_OF_JOB, SERIES_OF_JOB
from rules.monitoring.uids import MONITORING, MONITORING_COST, MONITORING_JOB

_IN = 'cluster=~"$cluster"'
_JOB = f'{_IN}, job="$job"'
# Labels that often multiply series: short-lived objects, buckets, and attributes of requests.
_LABELS = (
    *("instance", "namespace", "pod", "container"),
    *("le", "code", "method", "path", "route", "handler", "resource"),
)


def _values(label: str) -> str:
    """PromQL: number of values of a label, with the label's name as a label."""
    found = f'count(count by ({label}) ({{{_JOB}, {label}!=""}}))'
    return f'label_replace({found}, "label", "{label}", "", "")'


def _made_of(title: str, description: str, expr: str, column: str, heading: str = "Series") -> Panel:
    return Panel(
        title=title,
        description=description,
        visualization=Visualization.TABLE,
        queries=(Query(expr=expr, legend=heading),),
        columns=(column,),
        width=12,
        height=10,
    )


_SIGNALS = Row(
    "Totals",
    (
        stat("Series", "Series of all targets of the job.", f"sum({SERIES_OF_JOB.name}{{{_JOB}}})"),
        stat(
            "Share of all series",
            "The job's share of all scraped series.",
            f"sum({SERIES_OF_JOB.name}{{{_JOB}}}) / sum({SERIES_OF_JOB.name}{{{_IN}}})",
            Unit.RATIO,
        ),
        stat("Targets", "Targets of the job, up or down.", f"count(up{{{_JOB}}})"),
        stat("Largest target", "Series of the largest target.", f"max({LARGEST_TARGET.name}{{{_JOB}}})"),
        stat("Samples", "Samples of all targets.", f"sum({SAMPLES_OF_JOB.name}{{{_JOB}}})", Unit.PER_SECOND),
        stat("Disk a day", "Disk for one day of samples.", f"sum({disk_a_day(_JOB)})", Unit.BYTES),
    ),
)
_MADE_OF = Row(
    "Series by metric and label",
    (
        _made_of(
            "Metrics",
            "The fifty metrics with most series. Drop those that nobody reads. Each bucket of a histogram is one.",
            f'topk(50, label_replace(count by (__name__) ({{{_JOB}}}), "metric", "$1", "__name__", "(.+)"))',
            "metric",
        ),
        _made_of(
            "Labels",
            "Number of values of labels that often have many. A label that grows with requests or users is unbounded.",
            " or ".join(_values(label) for label in _LABELS),
            "label",
            "Values",
        ),
        _made_of(
            "Namespaces",
            "The twenty namespaces with most series.",
            f'topk(20, count by (namespace) ({{{_JOB}, namespace!=""}}))',
            "namespace",
        ),
        _made_of(
            "Largest targets",
            "The twenty targets with most series.",
            f"topk(20, scrape_samples_post_metric_relabeling{{{_JOB}}})",
            "instance",
        ),
    ),
)
_GROWTH = Row(
    "Growth",
    (
        Panel(
            title="Series over time",
            description="Series of all targets by cluster. A step is a deployment; a slope is an unbounded label.",
            queries=(Query(expr=f"sum by (cluster) ({SERIES_OF_JOB.name}{{{_JOB}}})", legend="{{cluster}}"),),
            width=12,
        ),
        alert_time_series(
            targets.TARGET_GROWS,
            "Largest target, growth in a day",
            "Series of the largest target divided by the day before. At 2, look for an unbounded label.",
            narrowed(targets.TARGET_GROWS.value, _JOB),
            "{{cluster}}",
            width=12,
        ),
    ),
)

DASHBOARD = Dashboard(
    uid=MONITORING_JOB,
    title="Monitoring: one scrape job",
    description="Cost of one scrape job: its series by metric and label.",
    tags=("monitoring",),
    variables=(
        variable("cluster", SERIES_OF_JOB.name, "Cluster"),
        variable("job", f"{SERIES_OF_JOB.name}{{{_IN}}}", "Job", multiple=False),
    ),
    related=(MONITORING_COST, MONITORING),
    annotations=(alerts_of("monitoring"),),
    rows=(_SIGNALS, _MADE_OF, _GROWTH),
)
