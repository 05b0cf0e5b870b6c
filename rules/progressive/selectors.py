"""Selectors of Progressive's series. A pod that another job scrapes as well counts once."""

from __future__ import annotations

from model.promql import narrowed
from rules.platforms import SERVICE
from rules.progressive.contract import AGENT, CORE

AGENTS = f"{SERVICE}, agent_type"
FAILED = 'status=~"error|failed|timeout|5.."'
"""Runs of agents that failed. Agents that answer over HTTP count them by its status."""


def core(metric: str, matchers: str = "") -> str:
    return _of(CORE.job, metric, matchers)


def agent(metric: str, matchers: str = "") -> str:
    return _of(AGENT.job, metric, matchers)


def _of(job: str, metric: str, matchers: str) -> str:
    return narrowed(f'{metric}{{job="{job}"}}', matchers) if matchers else f'{metric}{{job="{job}"}}'


def p95(buckets: str, by: str, quantile: str = "0.95") -> str:
    """PromQL: a quantile of a histogram's ``buckets``."""
    return f"histogram_quantile({quantile}, sum by ({by}, le) (rate({buckets}[5m])))"


def ratio(part: str, whole: str, by: str, window: str = "5m") -> str:
    """PromQL: the share of events; 0 while there is none of the part."""
    every = f"sum by ({by}) (rate({whole}[{window}]))"
    return f"(sum by ({by}) (rate({part}[{window}])) or 0 * {every}) / {every}"
