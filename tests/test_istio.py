"""Istio in a stack file: what its settings change, and what they refuse."""

from __future__ import annotations

import json
from typing import Any

import pytest

from components.settings.stack import Settings, read
from dashboards.listed import rendered
from model.rules import Severity
from rules.istio.uids import ISTIO
from tests.conftest import NOTHING, Stacks
from tests.test_names import problems
from tests.test_scrape_jobs import STACK
from tools.local.rendered import loaded


def _settings(**istio: Any) -> Settings:
    return read({**STACK, "systems": {**NOTHING, "istio": istio}})


def _alerts(**istio: Any) -> dict[str, tuple[Severity, ...]]:
    return {alert.name: alert.severities for alert in _settings(**istio).watched.alerts if alert.system == "istio"}


@pytest.mark.parametrize(
    ("istio", "said"),
    [
        ({"gateways": ["ingress"]}, "a gateway like istio-ingress/istio-ingressgateway"),
        ({"certificates": {"workload": "0s"}}, "a duration longer than 0s"),
        ({"kiali": "kiali.example.com"}, "a URL like"),
    ],
)
def test_a_setting_that_cannot_work_is_refused(istio: Any, said: str) -> None:
    assert any(said in each for each in problems("systems/istio", istio))


def test_plaintext_is_an_alert_only_where_mutual_tls_is_wanted() -> None:
    assert "MeshPlaintextTraffic" not in _alerts()
    assert "MeshPlaintextTraffic" in _alerts(strictMtls=True)


def test_only_a_gateway_that_must_run_pages() -> None:
    assert _alerts()["IstioGatewayDown"] == (Severity.WARNING,)
    assert _alerts(gateways=["a/b"])["IstioGatewayDown"] == (Severity.CRITICAL, Severity.WARNING)


def test_what_is_left_of_a_certificate_is_a_share_of_the_life_that_is_named() -> None:
    made = _settings(certificates={"workload": "2h", "root": "10d"})
    asked = {alert.name: alert.value for alert in made.watched.alerts}
    assert asked["IstioWorkloadCertificateExpires"].endswith(" / 7200")
    assert " / 864000" in asked["IstioCACertificateExpires"]
    assert "cert_chain" not in asked["IstioCACertificateExpires"], "nobody knows its life"


def test_the_dashboard_links_to_kiali_where_there_is_one(stack: Stacks) -> None:
    def links(**istio: Any) -> set[str]:
        made = stack("dev", systems={**NOTHING, "istio": istio})
        settings = made.settings
        (dashboard,) = (
            each.json for each in rendered(settings.systems_on, settings.watched, settings.cluster) if each.uid == ISTIO
        )
        return {link["title"] for link in json.loads(dashboard)["links"]}

    assert "Kiali" not in links()
    assert "Kiali" in links(kiali="https://kiali.example.com")


def test_merged_metrics_lose_only_what_the_mesh_s_own_jobs_store(stack: Stacks) -> None:
    def annotated(**systems: Any) -> str:
        made = stack("dev", systems={"kubernetes": {}, **systems})
        return str(made.files["prometheus/scrape/annotated-pods.yml"])

    (job,) = loaded(annotated(istio={}))["scrape_configs"]
    (dropped,) = job["metric_relabel_configs"]
    assert dropped["action"] == "drop"
    assert "metric_relabel_configs" not in loaded(annotated())["scrape_configs"][0], "nobody else stores them"


def test_the_policy_opens_the_ports_of_the_mesh(stack: Stacks) -> None:
    made = stack("dev", systems={**NOTHING, "istio": {"namespace": "mesh"}})
    rules = made.kind("NetworkPolicy")["prometheus"]["spec"]["egress"]
    assert {15014, 15020} <= {port["port"] for rule in rules for port in rule.get("ports", ())}
