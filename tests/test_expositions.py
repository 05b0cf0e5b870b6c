"""Every metric is looked for in what its exporter exposes: asked of the real one, or recorded from it."""

from __future__ import annotations

from pathlib import Path

from rules.systems import SYSTEMS
from tests.catalogue import whole
from tests.servers.exposition import EXPOSED_BY, NOT_SEEN, difference, exposition

FOLDER = Path(__file__).parent / "expositions"
RECORDED = {path.stem: exposition(path.read_text(encoding="utf-8")) for path in sorted(FOLDER.glob("*.txt"))}
"""By scrape job, what it gets."""
METRICS = whole().metrics
BY_CONTRACT = {part.job for system in SYSTEMS if system.contract for part in system.contract.parts}
"""Jobs of applications, whose authors follow a contract: sample applications follow it in tests/servers."""


def test_what_a_scrape_job_gets_is_asked_of_the_real_exporter_or_recorded() -> None:
    lacking = {metric.job for metric in METRICS} - EXPOSED_BY.keys() - NOT_SEEN.keys() - RECORDED.keys() - BY_CONTRACT
    assert [f"tests/expositions/{job}.txt" for job in sorted(lacking)] == [], "what the exporter answers"


def test_a_metric_is_what_was_recorded() -> None:
    tried = ((metric, RECORDED[metric.job]) for metric in METRICS if metric.job in RECORDED)
    assert [wrong for metric, exposed in tried if (wrong := difference(metric, exposed))] == []


def test_what_is_recorded_is_of_a_scrape_job_that_nobody_asks() -> None:
    assert RECORDED.keys() <= {metric.job for metric in METRICS} - EXPOSED_BY.keys()
