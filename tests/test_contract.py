"""The check of a live application: each way to differ from a contract is one line that names it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from model.contract import Contract, Emitted, Label, Part
from model.metrics import Kind, Unit
from tools.contract.__main__ import main
from tools.contract.check import problems
from tools.contract.reading import read

RUNS = Emitted(
    name="runs_total",
    kind=Kind.COUNTER,
    meaning="Runs.",
    labels=(Label(name="status", meaning="how it ended", values=("ok", "error")),),
)
SECONDS = Emitted(
    name="run_seconds",
    kind=Kind.HISTOGRAM,
    unit=Unit.SECONDS,
    meaning="Time of a run.",
    labels=(Label(name="model", meaning="the model", most=2),),
    buckets=(0.5, 2),
)
WAITING = Emitted(name="waiting", kind=Kind.GAUGE, meaning="Runs that wait.", optional=True)
CONTRACT = Contract(
    (
        Part(job="agents", what="Agents.", emits=(RUNS, SECONDS, WAITING)),
        Part(job="gateway", what="The gateway.", emits=(Emitted(name="opened", kind=Kind.GAUGE, meaning="Open."),)),
    )
)
GOOD = """\
# TYPE runs_total counter
runs_total{status="ok"} 3
# TYPE run_seconds histogram
run_seconds_bucket{model="a",le="0.5"} 1
run_seconds_bucket{model="a",le="2.0"} 3
run_seconds_bucket{model="a",le="+Inf"} 3
run_seconds_sum{model="a"} 2
run_seconds_count{model="a"} 3
"""


def found(text: str) -> list[str]:
    return list(problems(CONTRACT, read(text)))


def test_what_is_right_has_no_problem_and_parts_of_other_programs_are_theirs() -> None:
    assert found(GOOD) == []


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (GOOD.replace("runs_total", "visits_total"), "runs_total: missing: a counter. Runs."),
        (GOOD.replace("runs_total", "run_total"), "runs_total: misnamed: run_total is emitted"),
        (GOOD.replace("runs_total counter", "runs_total gauge"), "runs_total: is a gauge: emit a counter"),
        (GOOD.replace("# TYPE runs_total counter\n", ""), "runs_total: is of no type: emit a counter"),
        (GOOD.replace('"ok"', '"fine"'), 'runs_total: status="fine": one of ok, error'),
        (GOOD.replace('{status="ok"}', ""), "runs_total: label status is missing: how it ended"),
        (
            GOOD.replace('"ok"}', '"ok",user="u-1"}'),
            "runs_total: label user is not in the contract (1 values): each value makes series of its own",
        ),
        (
            GOOD.replace("2.0", "3.0"),
            "run_seconds: no bucket at 2: rules compare with it, and a quantile is only as exact as its bucket",
        ),
        (
            GOOD + "".join(f'run_seconds_bucket{{model="{model}",le="+Inf"}} 1\n' for model in "bc"),
            "run_seconds: label model has 3 values (a, b, c, ...): at most 2",
        ),
        (
            "# TYPE run_seconds gauge\nrun_seconds 1\n" + GOOD[: GOOD.index("# TYPE run_seconds")],
            "run_seconds: is a gauge: emit a histogram",
        ),
    ],
)
def test_a_difference_is_one_line_that_names_it(text: str, line: str) -> None:
    assert found(text) == [line]


def pushed(name: str, unit: str, form: str, **points: object) -> dict[str, object]:
    return {"name": name, "unit": unit, form: {"aggregationTemporality": 2, **points}}


def test_what_is_pushed_is_read_under_the_names_that_prometheus_stores() -> None:
    def attribute(key: str, value: str) -> dict[str, object]:
        return {"key": key, "value": {"stringValue": value}}

    model, status = [attribute("model", "a")], [attribute("status", "ok")]
    counts = {"isMonotonic": True, "dataPoints": [{"asInt": "3", "attributes": status}]}
    native = {"dataPoints": [{"count": "1", "scale": 3, "attributes": model}]}
    classic = {"dataPoints": [{"count": "1", "explicitBounds": [0.5, 2], "attributes": model}]}
    runs = pushed("runs", "{run}", "sum", **counts)
    for seconds in (pushed("run", "s", "exponentialHistogram", **native), pushed("run", "s", "histogram", **classic)):
        text = json.dumps({"resourceMetrics": [{"scopeMetrics": [{"metrics": [runs, seconds]}]}]})
        assert found(text) == []


@pytest.mark.parametrize("text", ["<html>", "{", '{"resourceMetrics": 1}', "runs_total{"])
def test_what_is_no_exposition_is_refused_in_a_line(
    text: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "answer").write_text(text)
    assert main(["agent_hive", str(tmp_path / "answer")]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"{tmp_path / 'answer'}: no ")


def test_an_application_that_does_not_answer_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["agent_hive", "http://127.0.0.1:1/metrics"]) == 2
    assert capsys.readouterr().err.startswith("http://127.0.0.1:1/metrics: ")


def test_problems_are_a_line_each_and_the_status_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "metrics").write_text("# TYPE agent_hive_task_queue_length counter\nagent_hive_task_queue_length 1\n")
    assert main(["agent_hive", str(tmp_path / "metrics")]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert "agent_hive_task_queue_length: is a counter: emit a gauge" in lines
    assert any(line.startswith("agent_hive_tasks_completed_total: missing: ") for line in lines)
