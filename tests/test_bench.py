"""What the benches reckon before they measure, and what they say afterwards."""

from __future__ import annotations

import importlib
from dataclasses import replace
from itertools import pairwise

import pytest

from model.quantities import Duration
from model.uids import HOME
from tools.bench.__main__ import PARTS
from tools.bench.__main__ import main as bench
from tools.bench.dashboards import Measured, too_slow
from tools.bench.history import SLICE, Past, digest, times
from tools.bench.reach import depths
from tools.bench.sample import Series
from tools.bench.samples import BOUND, Cost, Rule, pasts, too_dear

HOUR, DAY = 3600, 86_400
LOOKBACK = 300


@pytest.mark.parametrize("part", ["", *PARTS])
def test_help_describes_a_bench_and_measures_nothing(part: str, capsys: pytest.CaptureFixture[str]) -> None:
    module = f"tools.bench.{part or '__main__'}"
    with pytest.raises(SystemExit) as ended:
        importlib.import_module(module).main(["--help"])
    assert ended.value.code == 0
    assert module.removesuffix(".__main__") in capsys.readouterr().out


def test_a_bench_that_there_is_not_is_refused_with_those_there_are(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        bench(["settings", "speed"])
    assert f"speed: no bench; there are {', '.join(PARTS)}" in capsys.readouterr().err


def test_a_panel_above_a_second_fails_the_bench_and_so_does_home_above_a_third_of_one() -> None:
    home, quick, slow = (
        Measured(slowest=0.1, panel="Systems", uid=HOME, sum=0.31),
        Measured(slowest=1.0, panel="Requests", uid="services", sum=4),
        Measured(slowest=1.01, panel="Series", uid="monitoring-cost", sum=1.01),
    )
    assert too_slow([quick, replace(home, sum=0.3)]) == []
    assert too_slow([slow, home]) == ["monitoring-cost: Series, 1.010 s", f"{HOME}: all queries, 0.310 s"]


# --- how far back rules read ---


@pytest.mark.parametrize(
    ("expr", "seconds"),
    [
        ("a", LOOKBACK),
        ("rate(a[6h])", 6 * HOUR),
        ("a offset 1d", DAY + LOOKBACK),
        ("rate(a[1h] offset 2d)", 2 * DAY + HOUR),
        ("max_over_time(rate(a[5m])[7d:1h])", 7 * DAY + 300),
        ("max_over_time((a > 0)[7d:1h])", 7 * DAY + LOOKBACK),
        ("max_over_time(deriv(rate(a[5m] offset 1h)[30m:1m])[1d:5m] offset 1d)", 2 * DAY + 1800 + HOUR + 300),
        ("a > 0 and on (x) -sum by (x) (clamp_min(a offset 1h, 0))", HOUR + LOOKBACK),
        ("predict_linear(a[6h:5m], 4 * 24 * 3600) > 1", 6 * HOUR + LOOKBACK),
    ],
)
def test_ranges_steps_and_offsets_add_up(expr: str, seconds: float) -> None:
    assert depths([expr]) == {"a": seconds}


def test_each_series_is_kept_for_the_rule_that_looks_furthest() -> None:
    assert depths(["rate(a[1h]) / b", "rate(a[2h]) unless b offset 1d", "1", "a"]) == {
        "a": 2 * HOUR,
        "b": DAY + LOOKBACK,
    }


@pytest.mark.parametrize("expr", ['{__name__=~"a.*"}', "a @ 1000", "a @ end()"])
def test_what_cannot_be_known_is_not_guessed(expr: str) -> None:
    with pytest.raises(ValueError, match="their depth is unknown"):
        depths([expr])


def test_a_history_is_as_deep_as_it_is_read_and_as_dense_as_it_is_made() -> None:
    scraped, recorded, unread = (Series(f'{name}{{cluster="c"}}', 1, 0) for name in ("a", "b:rate5m", "c"))
    asked = [Rule("g one", "max_over_time(a[1d]) / rate(b:rate5m[2h])", Duration.parse("1m"))]
    assert list(pasts([scraped, recorded, unread], asked, {"b:rate5m": 60})) == [
        Past(scraped, DAY, 30),
        Past(recorded, 2 * HOUR, 60),
        Past(unread, LOOKBACK, 30),
    ]


# --- a history ---


@pytest.mark.parametrize("step", [15, 30, 60, 120, 180, 240, 7])
def test_samples_come_every_step_across_slices_until_the_end(step: int) -> None:
    end, slices = 1_000_000.0, 5
    written = [at for later in reversed(range(slices)) for at in times(later, step, end)]
    assert written[-1] == end
    assert {later - earlier for earlier, later in pairwise(written)} == {float(step)}
    assert end - written[0] >= slices * SLICE - step


def test_a_history_is_made_anew_when_anything_in_it_changes_and_only_then() -> None:
    one, other = (Past(Series(name, 0.1 + 0.2, 1), 600, 30) for name in ("a", "b"))
    made = digest([one, other], 1000)
    assert made == digest([other, Past(Series("a", 0.3, 1), 600, 30)], 1000), "in whatever order sums are made"
    changed = [
        Past(Series("c", 0.3, 1), 600, 30),
        Past(Series("a", 0.4, 1), 600, 30),
        Past(Series("a", 0.3, 2), 600, 30),
        Past(Series("a", 0.3, 1), 660, 30),
        Past(Series("a", 0.3, 1), 600, 60),
    ]
    others = {digest([each, other], 1000) for each in changed} | {digest([one, other], 2000)}
    assert len(others | {made}) == len(changed) + 2


# --- the bound ---


def test_a_rule_over_the_bound_is_named_with_what_it_reads_and_may() -> None:
    found = [Cost("pods Restarting info", 2 * BOUND + 1), Cost("pods Pending warning", 2 * BOUND)]
    assert too_dear(found, 2000) == [
        f"pods Restarting info: reads {2 * BOUND + 1:,} samples a minute; 2,000 series allow {2 * BOUND:,}"
    ]
