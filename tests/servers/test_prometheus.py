"""Prometheus on its rendered configuration, before a real API server: what it finds and scrapes."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from urllib.parse import urlencode

import pytest
import yaml

from rules.kubernetes.scrape import APISERVER_METRICS
from rules.nodes.scrape import NODE_EXPORTER
from tests.servers import scraped
from tests.servers.scraped import BRANCHING, EXPLODING, STEADY
from tests.servers.shop import LAST, SHOP, SIX, STACK, Cluster, Labels, running
from tools.local.asked import EVERYWHERE, get, number, query, wait_until
from tools.local.control_plane import ADVERTISED, NODES
from tools.local.harness import eventually, http_text
from tools.local.rendered import Manifest, Rendered
from tools.local.server import LocalServer


@pytest.fixture(scope="module")
def cluster(rendered: Callable[[str], Rendered], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    with running(rendered("dev"), tmp_path_factory.mktemp("cluster")) as made:
        yield made


# --- what Prometheus finds ---


@dataclass(frozen=True)
class Found:
    """The active targets of a Prometheus."""

    targets: Sequence[Manifest]

    def of(self, job: str, **labels: str) -> dict[str, Labels]:
        """Scraped URL to labels, without those that every target of the stack has and the address in the URL."""
        common = {**EVERYWHERE, "job": job}
        found = {}
        for target in self.targets:
            if common.items() | labels.items() <= target["labels"].items():
                rest = {name: value for name, value in target["labels"].items() if name not in common}
                if rest["instance"] in target["scrapeUrl"]:
                    del rest["instance"]
                assert target["scrapeUrl"] not in found, f"twice: {target['scrapeUrl']}"
                found[target["scrapeUrl"]] = rest
        return found


@pytest.fixture(scope="module")
def found(
    cluster: Cluster, rendered: Callable[[str], Rendered], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Found]:
    """By a Prometheus that scrapes its targets where they are: in vain, as pods of that cluster have no network."""
    local = LocalServer(rendered("dev"), "prometheus", tmp_path_factory.mktemp("discovering") / "pod", cluster.account)
    with local.process() as process:
        process.ready(lambda: http_text(f"{local.url}/-/ready"))
        eventually(lambda: active(local), 30, "something is found")
        cluster.plane.apply(*LAST)

        def everything() -> list[Manifest]:
            targets = active(local)
            addresses = {target["discoveredLabels"]["__address__"] for target in targets}
            pods = {target["labels"].get("pod") for target in targets}
            return targets if "203.0.113.9:8080" in addresses and "last" in pods else []

        yield Found(eventually(everything, 60, "what came last is found"))


def active(local: LocalServer) -> list[Manifest]:
    targets: list[Manifest] = get(local, "targets", state="active")["activeTargets"]
    return targets


def test_every_job_finds_something(found: Found, rendered: Callable[[str], Rendered]) -> None:
    files = (rendered("dev").config("prometheus") / "scrape").iterdir()

    assert {target["labels"]["job"] for target in found.targets} == {path.stem for path in files}


def test_no_target_is_scraped_twice(found: Found) -> None:
    times = Counter(target["scrapeUrl"] for target in found.targets)

    assert {url: count for url, count in times.items() if count > 1} == {}


def test_every_target_says_its_cluster_and_environment(found: Found) -> None:
    assert [target for target in found.targets if not target["labels"].items() >= EVERYWHERE.items()] == []


def test_the_api_server_is_found_by_its_endpoint(found: Found, cluster: Cluster) -> None:
    assert found.of("apiservers") == {f"https://{ADVERTISED}:{cluster.plane.port}/metrics": {}}


@pytest.mark.parametrize(("job", "path"), [("kubelet", "/metrics"), ("cadvisor", "/metrics/cadvisor")])
def test_the_kubelet_of_every_node_is_found(found: Found, job: str, path: str) -> None:
    expected = {f"https://{address}:10250{path}": {"node": node, "instance": node} for node, address in NODES.items()}

    assert found.of(job) == expected


def test_the_node_exporter_of_every_node_is_found_on_its_address(found: Found) -> None:
    expected = {f"http://{address}:9100/metrics": {"node": node} for node, address in NODES.items()}

    assert found.of("node-exporter") == expected


@pytest.mark.parametrize(("job", "port"), [("kube-state-metrics", 8080), ("kube-state-metrics-telemetry", 8081)])
def test_both_ports_of_kube_state_metrics_are_jobs_of_their_own(
    found: Found, cluster: Cluster, job: str, port: int
) -> None:
    address = cluster.pod("kube-state-metrics", STACK)["address"]

    assert found.of(job) == {f"http://{address}:{port}/metrics": {}}


@pytest.mark.parametrize(("job", "port"), [("prometheus", 9090), ("alertmanager", 9093), ("blackbox-exporter", 9115)])
def test_a_server_of_the_stack_is_found_with_the_place_of_its_pod(
    found: Found, cluster: Cluster, job: str, port: int
) -> None:
    where = cluster.pod(job, STACK)

    assert found.of(job) == {f"http://{where.pop('address')}:{port}/metrics": where}


def test_the_servers_are_probed_through_their_services(found: Found) -> None:
    probed = [
        f"http://prometheus.{STACK}.svc:9090/-/ready",
        f"http://alertmanager.{STACK}.svc:9093/-/ready",
        f"http://loki.{STACK}.svc:3100/ready",
        f"http://jaeger.{STACK}.svc:13133/status",
    ]
    query = [urlencode({"module": "http", "target": url}) for url in probed]

    assert found.of("probes") == {
        f"http://blackbox-exporter.{STACK}.svc:9115/probe?{asked}": {"instance": url}
        for url, asked in zip(probed, query, strict=True)
    }


def test_annotated_pods_are_found_as_their_annotations_say(found: Found, cluster: Cluster) -> None:
    expected = {
        "told": ["https://{address}:9102/stats"],
        "asked-in-full": ["http://{address}:8200/v1/sys/metrics?for=a+b&format=prometheus&level=2"],
        "asked-in-short": ["http://{address}:8300/stats"],
        "every-port": ["http://{address}:8080/metrics", "http://{address}:8081/metrics"],
        "undeclared-port": ["http://{address}:9000/metrics"],
        "six": ["http://[{address}]:9000/metrics"],
        "six-bare": ["http://[{address}]/metrics"],
        "prepared": ["http://{address}:8080/metrics"],
        "both": ["http://{address}:8080/metrics"],
        "last": ["http://{address}:8080/metrics"],
    }

    where = {name: cluster.pod(name) for name in expected}
    assert found.of("annotated-pods") == {
        url.format(address=where[name]["address"]): {
            **{label: value for label, value in where[name].items() if label != "address"},
            "app": name,
            **({"portainer_stack": "shop", "portainer_service": "cart"} if name == "every-port" else {}),
        }
        for name, urls in expected.items()
        for url in urls
    }


@pytest.mark.parametrize(
    ("name", "url"), [("cart", "http://{address}:8080/metrics"), ("ledger", "https://{address}:9102/stats")]
)
def test_an_annotated_service_brings_its_pods_on_its_own_port(
    found: Found, cluster: Cluster, name: str, url: str
) -> None:
    where = cluster.pod(name)
    address = where.pop("address")

    assert found.of("annotated-services", service=name) == {
        url.format(address=address): {**where, "service": name},
    }


def test_an_annotated_service_brings_every_slice_of_one_address_family(found: Found) -> None:
    assert found.of("annotated-services", service="split") == {
        f"http://{address}:8080/metrics": {"namespace": SHOP, "service": "split"}
        for address in ("203.0.113.1", "203.0.113.2")
    }


def test_a_pod_that_is_annotated_itself_is_not_found_again_through_its_service(found: Found) -> None:
    assert found.of("annotated-services", service="both") == {}


def test_nothing_is_found_that_did_not_ask_for_it(found: Found) -> None:
    shop = {target["labels"].get("service") or target["labels"]["pod"] for target in found.targets if of_shop(target)}

    assert shop == {
        *("told", "asked-in-full", "asked-in-short", "every-port", "undeclared-port", "prepared", "both", "last", *SIX),
        *("cart", "ledger", "split", "last-service"),
    }, "the silent, refusing, waiting and finished pods and the service without annotations stay alone"


def of_shop(target: Manifest) -> bool:
    return bool(target["labels"].get("namespace") == SHOP)


# --- what it scrapes: the stack's servers run here, on their rendered arguments and files ---


@pytest.fixture(scope="module")
def scraping(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalServer]:
    with scraped.scraping(cluster, tmp_path_factory.mktemp("scraping")) as local:
        yield local


def names(local: LocalServer, job: str) -> set[str]:
    """Metrics of a job, without what Prometheus itself adds to each target, and what rules make of them."""
    added = re.compile(r"up|scrape_.+|ALERTS.*|\w+:\w+:\w+")
    found = set(get(local, "label/__name__/values", **{"match[]": f'{{job="{job}"}}'}))
    return {name for name in found if not added.fullmatch(name)}


SCRAPED = {
    "apiservers": ("apiserver_request_total", 1),
    "kube-state-metrics": ("kube_pod_status_phase", 1),
    "kube-state-metrics-telemetry": ("process_start_time_seconds", 1),
    "kubelet": ("kubelet_running_pods", 3),
    "cadvisor": ("container_cpu_usage_seconds_total", 3),
    "node-exporter": ("node_memory_MemAvailable_bytes", 3),
    "blackbox-exporter": ("process_start_time_seconds", 1),
    "prometheus": ("prometheus_tsdb_head_series", 1),
    "alertmanager": ("alertmanager_config_hash", 1),
    "probes": ("probe_success", 4),
    STEADY: ("steady", 1),
}
"""A metric of every job, and its number of targets."""


@pytest.mark.parametrize(("job", "metric", "targets"), [(job, *rest) for job, rest in SCRAPED.items()])
def test_every_target_of_the_stack_is_up_and_has_its_series(
    scraping: LocalServer, job: str, metric: str, targets: int
) -> None:
    wait_until(scraping, f'count(up{{job="{job}"}} == 1)', targets)
    wait_until(scraping, f'count(count by (node, instance) ({metric}{{job="{job}"}}))', targets)
    assert query(scraping, f'up{{job="{job}"}} == 0') == []


def test_no_series_lacks_its_cluster_or_environment(scraping: LocalServer) -> None:
    wait_until(scraping, 'count(ALERTS{alertname="Watchdog"})', 1)
    for label in EVERYWHERE:
        assert query(scraping, f'count by (__name__, job) ({{__name__=~".+", {label}=""}})') == []
    # One query, so that both sides are of the same moment.
    ours = 'count({__name__=~".+", cluster="dev-1", environment="dev"})'
    assert number(scraping, f'count({{__name__=~".+"}}) - {ours}') == 0


def test_a_server_that_is_probed_answers(scraping: LocalServer) -> None:
    wait_until(scraping, "sum(probe_success)", 2)  # of the four, Loki and Jaeger run in tests of their own


def test_objects_keep_their_own_namespace_and_pod(scraping: LocalServer) -> None:
    wait_until(scraping, f'count(kube_pod_info{{namespace="{SHOP}", pod="told", exported_namespace=""}})', 1)


def test_the_api_server_keeps_what_is_named_and_nothing_else(scraping: LocalServer, cluster: Cluster) -> None:
    file = yaml.safe_load(scraping.path("/etc/prometheus/scrape/apiservers.yml").read_text())
    (step,) = file["scrape_configs"][0]["metric_relabel_configs"]
    exposed = exposed_names(
        http_text(f"{cluster.plane.url}/metrics", ca=cluster.plane.ca, token=cluster.account.token, timeout=30)
    )
    wanted = {name for name in exposed if re.fullmatch(step["regex"], name)}

    assert exposed - wanted, "there is something to leave out"
    eventually(lambda: names(scraping, "apiservers") >= wanted, 30, "everything named is there")
    assert all(re.fullmatch(step["regex"], name) for name in names(scraping, "apiservers"))
    unmatched = [each for each in APISERVER_METRICS if not any(re.fullmatch(each, name) for name in exposed)]
    assert unmatched == [], "a name that the API server does not have is a mistake"


def test_what_nothing_asks_for_is_dropped_and_what_the_stack_file_asks_for_is_kept(scraping: LocalServer) -> None:
    (node_exporter,) = {target["scrapeUrl"] for target in active(scraping) if target["labels"]["job"] == NODE_EXPORTER}
    exposed = exposed_names(http_text(node_exporter))
    assert {"node_entropy_available_bits", "node_softnet_processed_total", "node_boot_time_seconds"} <= exposed

    eventually(lambda: names(scraping, NODE_EXPORTER), 30, "the nodes are scraped")
    kept = names(scraping, NODE_EXPORTER)
    assert "node_boot_time_seconds" in kept, "a panel draws it"
    assert "node_entropy_available_bits" not in kept, "nothing asks for it"
    assert {name for name in exposed if name.startswith("node_softnet_")} <= kept, "prometheus.also names them"


def exposed_names(text: str) -> set[str]:
    return {re.split(r"[{ ]", line)[0] for line in text.splitlines() if line and not line.startswith("#")}


def test_the_kubelet_keeps_what_is_named_and_nothing_else(scraping: LocalServer) -> None:
    eventually(lambda: names(scraping, "kubelet"), 30, "the kubelet is scraped")

    assert names(scraping, "kubelet") == {"kubelet_running_pods"}


def test_a_container_is_counted_once_and_not_again_in_its_pod(scraping: LocalServer) -> None:
    eventually(lambda: names(scraping, "cadvisor"), 30, "the kubelet's containers are scraped")

    found = query(scraping, '{job="cadvisor", node="node-a", __name__=~"container_.+|machine_.+"}')
    kept = Counter((series["metric"]["__name__"], series["metric"].get("container")) for series in found)
    assert kept == {
        ("container_cpu_usage_seconds_total", "c0"): 1,
        ("container_memory_working_set_bytes", "c0"): 1,
        ("container_spec_memory_limit_bytes", "c0"): 1,
        ("container_network_receive_bytes_total", None): 1,
    }


@pytest.mark.parametrize(
    ("job", "reason", "metrics"),
    [(EXPLODING, "sample limit exceeded", "explosion"), (BRANCHING, "label_limit exceeded", "branches|sapling")],
)
def test_a_target_past_a_limit_fails_as_a_whole_and_says_why(
    scraping: LocalServer, job: str, reason: str, metrics: str
) -> None:
    wait_until(scraping, f'up{{job="{job}"}}', 0)

    (target,) = [target for target in active(scraping) if target["labels"]["job"] == job]
    assert target["health"] == "down"
    assert reason in target["lastError"]
    assert query(scraping, f'{{__name__=~"{metrics}"}}') == [], "half a scrape would be a wrong answer"


def test_a_target_past_a_limit_leaves_the_others_alone(scraping: LocalServer) -> None:
    wait_until(scraping, f'up{{job="{EXPLODING}"}}', 0)

    seen = number(scraping, f'count_over_time(up{{job="{STEADY}"}}[5m])') or 0
    wait_for = f'count_over_time(up{{job="{STEADY}"}}[5m]) > bool {seen}'
    wait_until(scraping, wait_for, 1)
    assert number(scraping, f'min_over_time(up{{job="{STEADY}"}}[5m])') == 1
