"""A mesh before the rendered Prometheus: a real istiod, and pods of every kind with a proxy's recorded metrics."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass

import pytest

from rules.istio.alerts import GATEWAY_LIVE, ISTIOD_UP
from tests.servers.istio import NAMESPACE, Istiod
from tests.servers.target import Target
from tests.test_expositions import FOLDER
from tools.local.account import Account
from tools.local.asked import get, query, wait_until
from tools.local.control_plane import ControlPlane
from tools.local.harness import eventually
from tools.local.rendered import Manifest, changed
from tools.local.server import LocalServer

SHOP = "mesh-shop"
PROXY = {"name": "istio-proxy", "image": "proxy:1", "ports": [{"containerPort": 15090, "name": "http-envoy-prom"}]}
PROGRAM = {"name": "program", "image": "shop:1", "ports": [{"containerPort": 8080, "name": "http"}]}
MERGED = {"scrape": "true", "port": "15020", "path": "/stats/prometheus"}
SERIES = 18
"""That are stored of the recorded proxy, of 38: four of requests, nine buckets, three of TCP, two of itself."""


def pod(
    name: str,
    *containers: Manifest,
    namespace: str = SHOP,
    labels: dict[str, str] | None = None,
    annotations: dict[str, str] | None = None,
    init: tuple[Manifest, ...] = (),
) -> Manifest:
    described = {f"prometheus.io/{key}": value for key, value in (annotations or {}).items()}
    about = {"name": name, "namespace": namespace, "labels": labels or {"app": name}, "annotations": described}
    spec = {"containers": list(containers), "initContainers": list(init)}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": about, "spec": spec}


PODS = (
    pod(
        "istiod-1",
        {
            **PROGRAM,
            "ports": [{"containerPort": 15010, "name": "grpc"}, {"containerPort": 15014, "name": "http-monitoring"}],
        },
        namespace=NAMESPACE,
        labels={"app": "istiod", "istio": "pilot"},
        annotations={"scrape": "true", "port": "15014"},
    ),
    pod(
        "ztunnel-1",
        {**PROGRAM, "ports": [{"containerPort": 15020, "name": "ztunnel-stats"}]},
        namespace=NAMESPACE,
        labels={"app": "ztunnel"},
        annotations={"scrape": "true", "port": "15020"},
    ),
    pod("checkout", PROGRAM, PROXY, annotations=MERGED),
    pod(
        "payments",
        PROGRAM,
        annotations=MERGED,
        init=({"name": "istio-init", "image": "proxy:1"}, {**PROXY, "restartPolicy": "Always"}),
    ),
    pod("ingress", PROXY, labels={"app": "istio-ingressgateway", "istio": "ingressgateway"}, annotations=MERGED),
    pod("way", PROXY, labels={"gateway.networking.k8s.io/gateway-name": "waypoint"}, annotations=MERGED),
    pod("outside", PROGRAM),
)


@dataclass(frozen=True)
class Mesh:
    prometheus: LocalServer
    exits: ExitStack
    """Ends istiod when it is closed."""

    def of(self, expr: str, *labels: str) -> dict[tuple[str, ...], float]:
        found = query(self.prometheus, expr)
        return {tuple(each["metric"].get(name, "") for name in labels): float(each["value"][1]) for each in found}


@pytest.fixture(scope="module")
def mesh(control_plane: ControlPlane, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mesh]:
    home = tmp_path_factory.mktemp("istio")
    changes = {
        "systems": {"istio": {"gateways": [f"{SHOP}/istio-ingressgateway", f"{SHOP}/gone"]}},
        "prometheus": {"scrapeInterval": "1s", "evaluationInterval": "1s"},
    }
    stack = changed(home / "stack", changes=changes)
    istiod, control_plane_up = Istiod(control_plane, home / "istiod"), ExitStack()
    # A port that the stack's own steps look for, on an address of its own.
    agent = Target(host="127.0.15.20", port=15020, body=(FOLDER / "istio-proxies.txt").read_text())
    ztunnel = Target(body=(FOLDER / "ztunnel.txt").read_text())
    at = {"istiod": istiod.address, "ztunnel": ztunnel.address}
    at |= dict.fromkeys(("istio-proxies", "annotated-pods"), agent.address)
    with ExitStack() as exits:
        for target in (agent, ztunnel):
            exits.enter_context(target.running())
        exits.enter_context(control_plane_up)
        control_plane_up.enter_context(istiod.running())
        control_plane_up.enter_context(istiod.refusing_proxy())
        control_plane.namespace(SHOP)
        control_plane.apply(*PODS)
        account = Account.granted(control_plane, stack, "prometheus")
        prometheus = LocalServer(stack, "prometheus", home / "prometheus", account, redirect=at)
        exits.enter_context(prometheus.running())
        wait_until(prometheus, 'sum(up{job="istio-proxies"})', 4)
        yield Mesh(prometheus, control_plane_up)


def test_every_proxy_is_found_once_also_a_native_sidecar(mesh: Mesh) -> None:
    assert mesh.of('up{job="istio-proxies"}', "pod", "gateway") == {
        ("checkout", ""): 1,
        ("payments", ""): 1,
        ("ingress", "istio-ingressgateway"): 1,
        ("way", "waypoint"): 1,
    }
    targets = get(mesh.prometheus, "targets", state="active")["activeTargets"]
    urls = [target["globalUrl"] for target in targets if target["scrapePool"] == "istio-proxies"]
    assert {url.partition("/stats")[1] for url in urls} == {"/stats"}


def test_istiod_and_ztunnel_are_found_by_their_pods_and_by_no_other_job(mesh: Mesh) -> None:
    wait_until(mesh.prometheus, 'sum(up{job=~"istiod|ztunnel"})', 2)
    found = mesh.of(f'up{{namespace="{NAMESPACE}"}}', "job", "pod")
    assert found == {("istiod", "istiod-1"): 1, ("ztunnel", "ztunnel-1"): 1}


def test_a_series_of_merged_metrics_is_stored_once_and_the_program_s_own_stay(mesh: Mesh) -> None:
    wait_until(mesh.prometheus, 'sum(up{job="annotated-pods"})', 4)
    assert mesh.of('count by (job) (istio_requests_total{pod="payments"})', "job") == {("istio-proxies",): 4}
    assert mesh.of('count by (job) (orders_total{pod="payments"})', "job") == {("annotated-pods",): 1}


def test_few_series_of_a_proxy_are_stored(mesh: Mesh) -> None:
    stored = 'scrape_samples_post_metric_relabeling{job="istio-proxies", pod="payments"}'
    assert mesh.of(stored, "pod") == {("payments",): SERIES}
    assert len(mesh.of("istio_request_duration_milliseconds_bucket{pod='payments'}", "le")) == 9
    assert mesh.of('istio_agent_cert_expiry_seconds{pod="payments"}', "resource_name").keys() == {("default",)}


def test_a_gateway_that_must_run_and_has_no_pod_is_down(mesh: Mesh) -> None:
    live = {(SHOP, "istio-ingressgateway"): 1, (SHOP, "waypoint"): 1, (SHOP, "gone"): 0}
    eventually(lambda: mesh.of(GATEWAY_LIVE, "namespace", "gateway") == live, 30, "gateways are counted")


def test_a_proxy_that_refuses_its_configuration_is_a_ticket(mesh: Mesh) -> None:
    firing = 'ALERTS{alertname="IstioConfigRejected", alertstate="firing"}'
    eventually(lambda: mesh.of(firing, "severity") == {("warning",): 1}, 30, "it fires")


def test_an_istiod_that_is_gone_is_noticed(mesh: Mesh) -> None:
    wait_until(mesh.prometheus, ISTIOD_UP, 1)
    mesh.exits.close()
    wait_until(mesh.prometheus, ISTIOD_UP, 0)
    pending = 'ALERTS{alertname="IstiodDown"}'
    eventually(lambda: mesh.of(pending, "severity") == {("critical",): 1}, 30, "it is about to fire")
