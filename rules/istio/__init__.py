"""Istio: its control plane, gateways and certificates, and the traffic of the mesh."""

from __future__ import annotations

from rules.headline import Headline
from rules.istio import alerts, recordings
from rules.istio.scrape import METRICS, IstioSettings, jobs
from rules.istio.uids import ISTIO as DASHBOARD
from rules.kubernetes.scrape import ISTIO
from rules.system import Link, Surroundings, System, Watched


def build(settings: IstioSettings, _surroundings: Surroundings) -> Watched:
    return Watched(
        scrape_jobs=jobs(settings),
        groups=alerts.groups(settings),
        metrics=METRICS,
        slos=(alerts.AVAILABILITY,),
        inhibitions=alerts.inhibitions(settings),
        links=(Link(DASHBOARD, "Kiali", settings.kiali),) if settings.kiali else (),
    )


SYSTEM = System(
    key=ISTIO,
    title="Istio",
    owner="platform",
    settings=IstioSettings,
    example=IstioSettings.model_validate(
        {
            "namespace": "istio-system",
            "gateways": ["istio-ingress/istio-ingressgateway"],
            "certificates": {"workload": "24h", "intermediate": "365d", "root": "3650d"},
            "strictMtls": True,
            "kiali": "https://kiali.example.com",
        }
    ),
    dashboard=DASHBOARD,
    headline=Headline(
        up=f"max({alerts.ISTIOD_UP})", errors=f"max({recordings.ERRORS})", latency=f"max({recordings.P95})"
    ),
    build=build,
)
