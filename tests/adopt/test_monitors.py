"""Monitors, probes and scrape configurations become scrape jobs with the same targets, labels and login."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from components.settings.stack import read
from tests.adopt.shapes import SECRET, SMALLEST, jobs, made, result, said
from tests.content import CLUSTER
from tools.adopt.notes import Kind

CONTAINER = {"sourceLabels": ["__meta_kubernetes_pod_container_name"], "regex": "(.+)", "targetLabel": "container"}


def service(endpoint: dict[str, Any] | None = None, **spec: Any) -> Any:
    given = {"selector": {"matchLabels": {"app": "api"}}, "endpoints": [endpoint or {"port": "web"}], **spec}
    return made("ServiceMonitor", given)


def pods(endpoint: dict[str, Any] | None = None, **spec: Any) -> Any:
    given = {"selector": {"matchLabels": {"app": "api"}}, "podMetricsEndpoints": [endpoint or {"port": "web"}], **spec}
    return made("PodMonitor", given)


def test_a_service_monitor_is_a_job_of_the_pods_behind_its_services() -> None:
    (job,) = jobs(service(jobLabel="app"))
    assert job == {
        "name": "api",
        "service": {"namespaces": ["shop"], "selector": {"app": "api"}, "portName": "web"},
        "labels": {"endpoint": "web"},
        "relabel": [CONTAINER],
    }


def test_a_pod_monitor_is_a_job_of_its_pods() -> None:
    (job,) = jobs(pods({"portNumber": 9100}))
    assert job["pods"] == {"namespaces": ["shop"], "selector": {"app": "api"}, "port": 9100}
    assert job["labels"] == {"endpoint": "9100"}


def test_a_port_of_the_pods_by_name_is_found_whatever_the_service_calls_it() -> None:
    (job,) = jobs(service({"targetPort": "http-metrics"}))
    assert job["service"] == {"namespaces": ["shop"], "selector": {"app": "api"}, "containerPortName": "http-metrics"}
    assert job["labels"] == {"endpoint": "http-metrics"}


def test_an_endpoint_s_settings_are_the_job_s() -> None:
    endpoint = {
        "port": "web",
        "scheme": "https",
        "path": "/stats",
        "params": {"format": ["text"]},
        "interval": "1m",
        "scrapeTimeout": "20s",
        "honorLabels": True,
        "bearerTokenSecret": SECRET,
        "tlsConfig": {"ca": {"configMap": {"name": "ca", "key": "ca.crt"}}, "serverName": "api"},
        "metricRelabelings": [{"sourceLabels": ["__name__"], "regex": "go_.+", "action": "drop"}],
        "relabelings": [{"targetLabel": "tier", "replacement": "front", "action": "replace"}],
    }
    after = result(service(endpoint, sampleLimit=500, bodySizeLimit="10MB", jobLabel="app"))
    (job,) = after.sections["prometheus"]["scrapeJobs"]
    assert job == {
        "name": "api",
        "service": {"namespaces": ["shop"], "selector": {"app": "api"}, "portName": "web"},
        "labels": {"endpoint": "web"},
        "scheme": "https",
        "path": "/stats",
        "params": {"format": ["text"]},
        "interval": "1m",
        "timeout": "20s",
        "honorLabels": True,
        "bearerTokenSecret": "shopLoginIt",
        "tls": {"caSecret": "shopCaCaCrt", "serverName": "api"},
        "metricRelabel": [{"sourceLabels": ["__name__"], "regex": "go_.+", "action": "drop"}],
        "relabel": [CONTAINER, {"targetLabel": "tier", "replacement": "front"}],
        "limits": {"samples": 500, "bodySize": "10Mi"},
    }
    assert after.notes.lines == []
    assert after.notes.secrets == {
        "shopCaCaCrt": "kubectl get configmap ca --namespace shop --output jsonpath='{.data.ca\\.crt}'",
        "shopLoginIt": "kubectl get secret login --namespace shop --output jsonpath='{.data.it}' | base64 --decode",
    }


@pytest.mark.parametrize(
    ("given", "searched"),
    [({}, ["shop"]), ({"any": True}, None), ({"matchNames": ["a", "b"]}, ["a", "b"])],
)
def test_namespaces_are_those_of_the_monitor(given: dict[str, Any], searched: list[str] | None) -> None:
    (job,) = jobs(service(namespaceSelector=given))
    assert job["service"].get("namespaces") == searched


def test_expressions_of_a_selector_become_relabelling() -> None:
    expressions = [
        {"key": "app.kubernetes.io/name", "operator": "In", "values": ["api"]},
        {"key": "tier", "operator": "In", "values": ["a.b", "c"]},
        {"key": "tier", "operator": "NotIn", "values": ["d"]},
        {"key": "on", "operator": "Exists"},
        {"key": "off", "operator": "DoesNotExist"},
    ]
    (job,) = jobs(service(selector={"matchExpressions": expressions}))
    assert job["service"]["selector"] == {"app.kubernetes.io/name": "api"}, "a label with one value is a label"
    label, present = "__meta_kubernetes_service_label_", "__meta_kubernetes_service_labelpresent_"
    assert job["relabel"][1:] == [
        {"sourceLabels": [f"{label}tier"], "regex": r"a\.b|c", "action": "keep"},
        {"sourceLabels": [f"{label}tier"], "regex": "d", "action": "drop"},
        {"sourceLabels": [f"{present}on"], "regex": "true", "action": "keep"},
        {"sourceLabels": [f"{present}off"], "regex": "true", "action": "drop"},
    ]


def test_labels_of_services_and_pods_are_copied() -> None:
    (job,) = jobs(service(targetLabels=["example.com/team"], podTargetLabels=["zone"]))
    of_service = "__meta_kubernetes_service_label_example_com_team"
    assert job["relabel"][1:] == [
        {"sourceLabels": [of_service], "regex": "(.+)", "targetLabel": "example_com_team"},
        {"sourceLabels": ["__meta_kubernetes_pod_label_zone"], "regex": "(.+)", "targetLabel": "zone"},
    ]


def test_each_endpoint_is_a_job_with_a_name_of_its_own() -> None:
    spec = {
        "jobLabel": "app",
        "selector": {"matchLabels": {"app": "api"}},
        "endpoints": [{"port": "web"}, {"port": "web", "path": "/other"}],
    }
    after = result(made("ServiceMonitor", spec), made("ServiceMonitor", spec, name="again"))
    names = [job["name"] for job in after.sections["prometheus"]["scrapeJobs"]]
    assert names == ["api", "api-2", "api-3", "api-4"]
    assert 'endpoints[1]: its series had job="api", and have job="api-2" now' in said(after, Kind.CHECK)


def test_a_job_label_that_is_not_in_the_selector_is_to_be_checked() -> None:
    assert "job was the name of the Service" in said(result(service()), Kind.CHECK)[0]
    assert 'its series had job="shop/front"' in said(result(pods()), Kind.CHECK)[0]
    config = made("ScrapeConfig", SMALLEST["ScrapeConfig"])
    assert 'its series had job="scrapeConfig/shop/front"' in said(result(config), Kind.CHECK)[0]


def test_the_chart_s_own_services_have_the_job_of_their_name() -> None:
    spec = {"jobLabel": "jobLabel", "selector": {"matchLabels": {"app": "kube-prometheus-stack-kube-etcd"}}}
    assert [job["name"] for job in jobs(made("ServiceMonitor", {**spec, "endpoints": [{"port": "a"}]}))] == [
        "kube-etcd"
    ]


LOST = {
    "no namespace": (made("ServiceMonitor", SMALLEST["ServiceMonitor"], namespace=""), "name the namespaces"),
    "no port": (service({"path": "/a"}), "without a port every port was scraped"),
    "no label": (service(selector={}), "the stack needs"),
    "several values": (
        service(selector={"matchExpressions": [{"key": "a", "operator": "In", "values": ["b", "c"]}]}),
        "the stack needs",
    ),
    "a timeout that is too long": (service({"port": "a", "scrapeTimeout": "40s"}), "timeout"),
    "a path with parameters": (service({"port": "a", "path": "/a?b=c"}), "parameters in params"),
    "a parameter with a secret": (service({"port": "a", "params": {"token": ["abc"]}}), "a parameter without a secret"),
}


@pytest.mark.parametrize(("given", "why"), LOST.values(), ids=LOST)
def test_a_job_that_the_stack_refuses_is_listed_in_its_words(given: Any, why: str) -> None:
    after = result(given)
    assert "prometheus" not in after.sections
    assert why in said(after, Kind.LOST)[0]


def test_a_step_that_the_stack_refuses_is_left_out_and_listed() -> None:
    step = {"targetLabel": "job", "replacement": "mine"}
    after = result(service({"port": "web", "relabelings": [step]}))
    (job,) = after.sections["prometheus"]["scrapeJobs"]
    assert job["relabel"] == [CONTAINER]
    (line,) = said(after, Kind.WITHOUT)
    assert line.startswith("endpoints[0].relabelings[0]: targetLabel:"), "names the field"
    assert "alerts and dashboards select by it" in line


TLS: Mapping[str, tuple[str, dict[str, Any], dict[str, Any], str]] = {
    "without TLS": ("http", {"insecureSkipVerify": True}, {}, "endpoints[0].tlsConfig: the scheme is http"),
    "a certificate without a key": (
        "https",
        {"cert": {"secret": SECRET}, "serverName": "a"},
        {"serverName": "a"},
        "endpoints[0].tlsConfig: a certificate and its key belong together",
    ),
    "an authority that nothing is checked against": (
        "https",
        {"ca": {"secret": SECRET}, "insecureSkipVerify": True},
        {"insecureSkipVerify": True},
        "endpoints[0].tlsConfig.ca: insecureSkipVerify makes it useless",
    ),
}


@pytest.mark.parametrize(("scheme", "theirs", "ours", "why"), TLS.values(), ids=TLS)
def test_tls_that_the_stack_refuses_is_left_out_and_the_job_stays(
    scheme: str, theirs: dict[str, Any], ours: dict[str, Any], why: str
) -> None:
    after = result(service({"port": "web", "scheme": scheme, "tlsConfig": theirs}))
    (job,) = after.sections["prometheus"]["scrapeJobs"]
    assert job.get("tls", {}) == ours
    assert said(after, Kind.WITHOUT)[0].startswith(why)


def test_a_user_of_a_secret_is_to_be_set() -> None:
    after = result(service({"port": "web", "basicAuth": {"username": SECRET, "password": SECRET}}))
    (job,) = after.sections["prometheus"]["scrapeJobs"]
    assert job["basicAuth"] == {"username": "set-me", "passwordSecret": "shopLoginIt"}
    assert any(
        "set basicAuth.username in place of set-me: it is in the key it" in each for each in said(after, Kind.CHECK)
    )


def test_secrets_of_two_namespaces_get_keys_of_their_own() -> None:
    spec = {"selector": {"matchLabels": {"app": "api"}}, "endpoints": [{"port": "a", "bearerTokenSecret": SECRET}]}
    both = [made("ServiceMonitor", spec, namespace=space) for space in ("shop1", "shop2", "shop1")]
    assert list(result(*both).notes.secrets) == ["shopLoginIt", "shopLoginIt2"]


def test_a_probe_is_an_address_to_probe() -> None:
    spec = {"module": "http_2xx", "targets": {"staticConfig": {"static": ["https://a.example.com/b", "c.example.com"]}}}
    after = result(made("Probe", spec))
    probed = after.sections["systems"]["monitoring"]["probes"]
    assert probed == ["https://a.example.com/b", "http://c.example.com"]


@pytest.mark.parametrize(
    ("spec", "why"),
    [
        ({"module": "icmp", "targets": {"staticConfig": {"static": ["a"]}}}, "icmp: the stack asks by HTTP GET"),
        ({"targets": {"ingress": {"selector": {}}}}, "the stack finds no Ingresses"),
        ({"targets": {"staticConfig": {"static": ["http://user:secret@a"]}}}, "a URL without user and password"),
    ],
)
def test_what_the_stack_cannot_probe_is_listed(spec: dict[str, Any], why: str) -> None:
    after = result(made("Probe", spec))
    assert "systems" not in after.sections
    lines = said(after, Kind.LOST)
    assert why in lines[0]
    assert "secret@" not in lines[0]


def test_a_scrape_config_is_a_job_for_each_source_of_targets() -> None:
    spec = {
        "jobName": "hosts",
        "scheme": "https",
        "staticConfigs": [{"targets": ["a", "b:9100"], "labels": {"dc": "one"}}, {"targets": ["[::1]"]}],
        "dnsSDConfigs": [{"names": ["db.example.com"], "type": "A", "port": 9187}],
        "ec2SDConfigs": [{"region": "eu-1", "port": 9100, "filters": [{"name": "tag:a", "values": ["b"]}]}],
        "httpSDConfigs": [{"url": "https://inventory.example.com"}],
    }
    made_jobs = jobs(made("ScrapeConfig", spec))
    assert [job["name"] for job in made_jobs] == ["hosts", "hosts-2", "hosts-3", "hosts-4"]
    static, http, dns, ec2 = made_jobs
    assert static["file"] == {
        "groups": [{"targets": ["a:443", "b:9100"], "labels": {"dc": "one"}}, {"targets": ["[::1]:443"]}]
    }
    assert http["http"] == {"url": "https://inventory.example.com", "ports": [443]}
    assert dns["dns"] == {"names": ["db.example.com"], "port": 9187}
    assert ec2["ec2"] == {"region": "eu-1", "filters": {"tag:a": ["b"]}, "port": 9100}


def test_a_source_that_the_stack_does_not_have_is_listed() -> None:
    after = result(made("ScrapeConfig", {"consulSDConfigs": [{"server": "a"}]}))
    assert said(after, Kind.WITHOUT) == ["consulSDConfigs: the stack has static, HTTP, DNS, EC2, Azure and GCE targets"]
    assert "none of its targets is carried over" in said(after, Kind.LOST)[0]


def test_the_jobs_are_accepted_in_a_stack_file() -> None:
    after = result(service(), pods(), made("ScrapeConfig", {"staticConfigs": [{"targets": ["a:1"]}]}))
    assert len(read({"cluster": CLUSTER, **after.sections}).prometheus.scrape_jobs) == 3
