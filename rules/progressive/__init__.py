"""Progressive: an enterprise core in Node, and the context agents MCA, NPA and WPA."""

from __future__ import annotations

from rules.headline import Headline
from rules.kubernetes import SYSTEM as KUBERNETES
from rules.progressive.alerts import ERRORS, SLOW, groups, inhibitions
from rules.progressive.contract import CONTRACT
from rules.progressive.objectives import slos
from rules.progressive.scrape import ProgressiveSettings, jobs
from rules.progressive.selectors import core
from rules.progressive.uids import PROGRESSIVE
from rules.system import Surroundings, System, Watched


def build(settings: ProgressiveSettings, surroundings: Surroundings) -> Watched:
    return Watched(
        scrape_jobs=jobs(settings, surroundings.cluster),
        groups=groups(of_cluster=KUBERNETES.key in surroundings.on),
        metrics=CONTRACT.metrics,
        log_fields=CONTRACT.log_fields,
        spans=CONTRACT.spans,
        slos=slos(settings.core.service),
        inhibitions=tuple(inhibitions()),
    )


SYSTEM = System(
    key="progressive",
    title="Progressive",
    owner="devops",
    settings=ProgressiveSettings,
    example=ProgressiveSettings.model_validate(
        {
            "environments": {"progressive-framework-prod": "production", "progressive-framework-staging": "staging"},
            "core": {"service": "progressive-framework-v5", "port": 3000},
            "agents": {"port": 8090},
        }
    ),
    dashboard=PROGRESSIVE,
    headline=Headline(up=f"max({core('up')})", errors=f"max({ERRORS.value})", latency=f"max({SLOW.value})"),
    build=build,
    contract=CONTRACT,
)
