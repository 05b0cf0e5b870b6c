"""The stack file's own scrape jobs: Prometheus's configuration, its network policy, and who is notified."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from components.flow_table import flows
from components.network_policy import policy
from components.prometheus.config import files, scrape_jobs
from components.settings.stack import Refused, Settings, read
from model.rules import Alert
from tools.local.rendered import loaded
from tools.recorder import ROOT

SHOP = {"namespaces": ["shop"], "name": "shop", "portName": "metrics"}
STACK: dict[str, Any] = {
    "cluster": {
        "name": "c-1",
        "environment": "test",
        "context": "c-1",
        "flavour": "eks",
        "network": {"nodes": ["10.9.0.0/16"]},
    },
    "systems": {"kubernetes": {"annotated": False}},
}


def stack(*jobs: dict[str, Any], **prometheus: Any) -> Settings:
    named = [{"name": f"job-{number}", **job} for number, job in enumerate(jobs)]
    return read({**STACK, "prometheus": {**prometheus, "scrapeJobs": named}})


def scraped(settings: Settings) -> dict[str, str]:
    """The rendered files, by name."""
    jobs = scrape_jobs(settings.prometheus, settings.cluster, settings.watched, ())
    return files(settings.prometheus, settings.cluster, jobs, (), settings.grafana.address)["scrape"]


def rendered(job: dict[str, Any], **prometheus: Any) -> dict[str, Any]:
    """One job, as Prometheus reads it."""
    (found,) = loaded(scraped(stack(job, **prometheus))["job-0.yml"])["scrape_configs"]
    assert isinstance(found, dict)
    return found


def steps(job: dict[str, Any], label: str = "target_label") -> list[Any]:
    return [step.get(label) for step in rendered(job)["relabel_configs"]]


def test_the_documented_jobs_are_taken() -> None:
    (example,) = re.findall(r"```yaml\n(.+?)```", (ROOT / "docs" / "targets.md").read_text(), re.DOTALL)
    prometheus = loaded(example)["agent-observability:prometheus"]
    made = read({**STACK, "cluster": {**STACK["cluster"], "environment": "staging"}, "prometheus": prometheus})
    assert len(made.prometheus.scrape_jobs) == 5


# --- discovery ---


@pytest.mark.parametrize(
    ("source", "key", "expected"),
    [
        (
            {"service": SHOP},
            "kubernetes",
            {
                "role": "endpointslice",
                "namespaces": {"names": ["shop"]},
                "selectors": [{"role": "endpointslice", "label": "kubernetes.io/service-name=shop"}],
            },
        ),
        (
            {"pods": {"selector": {"tier": "back", "app": "worker"}, "port": 9102}},
            "kubernetes",
            {"role": "pod", "selectors": [{"role": "pod", "label": "app=worker,tier=back"}]},
        ),
        (
            {"http": {"url": "https://inventory.example.com/t", "ports": [9100], "refresh": "2m"}},
            "http",
            {"url": "https://inventory.example.com/t", "refresh_interval": "2m"},
        ),
        (
            {"dns": {"names": ["_http._tcp.example.com"], "type": "SRV", "port": 9100}},
            "dns",
            {"names": ["_http._tcp.example.com"], "type": "SRV"},
        ),
        (
            {"dns": {"names": ["db.example.com"], "port": 9187}},
            "dns",
            {"names": ["db.example.com"], "type": "A", "port": 9187},
        ),
        (
            {"ec2": {"region": "eu-1", "port": 9100, "filters": {"tag:role": ["db", "api"]}}},
            "ec2",
            {"region": "eu-1", "port": 9100, "filters": [{"name": "tag:role", "values": ["db", "api"]}]},
        ),
        (
            {"azure": {"subscriptionId": "1-2", "port": 9100, "authentication": "WorkloadIdentity"}},
            "azure",
            {"authentication_method": "WorkloadIdentity", "subscription_id": "1-2", "port": 9100},
        ),
        (
            {"gce": {"project": "shop", "zones": ["eu-1b"], "port": 9100}},
            "gce",
            {"project": "shop", "zone": "eu-1b", "port": 9100},
        ),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else None,
)
def test_targets_are_found_where_the_stack_file_says(source: dict[str, Any], key: str, expected: Any) -> None:
    assert rendered(source)[f"{key}_sd_configs"] == [expected]


def test_every_zone_is_asked_by_itself() -> None:
    job = rendered({"gce": {"project": "shop", "zones": ["eu-1b", "eu-1c"], "port": 9100}})
    assert [each["zone"] for each in job["gce_sd_configs"]] == ["eu-1b", "eu-1c"]


def test_groups_of_a_file_are_beside_the_job_and_not_in_it() -> None:
    groups: list[dict[str, Any]] = [
        {"targets": ["a:1", "[fd00::1]:2"], "labels": {"site": "north"}},
        {"targets": ["b:1"]},
    ]
    made = scraped(stack({"file": {"groups": groups}}))
    (job,) = loaded(made["job-0.yml"])["scrape_configs"]
    assert job["file_sd_configs"] == [{"files": ["job-0.json"]}], "Prometheus looks beside the job's own file"
    assert json.loads(made["job-0.json"]) == [{"labels": {}, **group} for group in groups]


def test_a_pod_is_found_once_and_known_by_its_name() -> None:
    service, pods = {"service": SHOP}, {"pods": {"selector": {"app": "worker"}, "port": 9102}}
    for job in (service, pods):
        assert {"namespace", "pod", "node"} <= set(steps(job))
    assert "service" in steps(service)
    families = [
        step["regex"]
        for step in rendered(service)["relabel_configs"]
        if "address_type" in str(step.get("source_labels"))
    ]
    assert families == ["IPv4"], "a cluster with both families has two slices of a Service"


def test_a_port_that_is_named_may_be_a_native_sidecar_s() -> None:
    """Which is an init container; one without a name is a target of its pod anyway."""
    init = "__meta_kubernetes_pod_container_init"

    def left_out(**port: Any) -> bool:
        job = rendered({"pods": {"selector": {"app": "worker"}, **port}})
        return any(init in step.get("source_labels", ()) for step in job["relabel_configs"])

    assert not left_out(portName="http-envoy-prom")
    assert left_out(port=15090)


# --- logins ---


@pytest.mark.parametrize(
    ("login", "expected"),
    [
        (
            {"basicAuth": {"username": "me", "passwordSecret": "mine"}},
            {"basic_auth": {"username": "me", "password_file": "/etc/prometheus/secrets/scrape.job-0-password"}},
        ),
        (
            {"bearerTokenSecret": "mine"},
            {"authorization": {"credentials_file": "/etc/prometheus/secrets/scrape.job-0-token"}},
        ),
        (
            {"header": {"name": "X-API-Key", "valueSecret": "mine"}},
            {"http_headers": {"X-API-Key": {"files": ["/etc/prometheus/secrets/scrape.job-0-header"]}}},
        ),
        (
            {"scheme": "https", "tls": {"caSecret": "mine", "serverName": "shop"}},
            {"tls_config": {"ca_file": "/etc/prometheus/secrets/scrape.job-0-ca", "server_name": "shop"}},
        ),
        (
            {"scheme": "https", "tls": {"insecureSkipVerify": True}},
            {"tls_config": {"insecure_skip_verify": True}},
        ),
    ],
    ids=["basic", "bearer", "header", "tls", "unverified"],
)
def test_a_login_is_read_from_files(login: dict[str, Any], expected: dict[str, Any]) -> None:
    job = rendered({"service": SHOP, **login})
    assert {name: value for name, value in job.items() if name in expected} == expected


def test_the_login_for_the_list_is_not_the_login_for_the_targets() -> None:
    listing = {"url": "https://inventory.example.com/", "ports": [9100], "bearerTokenSecret": "list"}
    job = rendered({"http": listing})
    assert "authorization" not in job, "targets get no token that is not theirs"
    (discovery,) = job["http_sd_configs"]
    assert discovery["authorization"] == {"credentials_file": "/etc/prometheus/secrets/discovery.job-0-token"}


# --- what is stored ---


@pytest.mark.parametrize("keep", ["known", "all"])
def test_a_job_of_ones_own_stores_all_but_what_it_refuses_itself(keep: str) -> None:
    assert "metric_relabel_configs" not in rendered({"service": SHOP}, keep=keep)
    chosen = rendered({"service": SHOP, "allow": ["shop_.+", "up_to"], "deny": ["shop_debug_.+"]}, keep=keep)
    assert chosen["metric_relabel_configs"] == [
        {"source_labels": ["__name__"], "regex": "shop_.+|up_to", "action": "keep"},
        {"source_labels": ["__name__"], "regex": "shop_debug_.+", "action": "drop"},
    ]


def test_what_the_stack_adds_to_its_own_jobs_is_not_added_to_an_allow_list() -> None:
    chosen = rendered({"service": SHOP, "allow": ["shop_.+"]}, keep="known", also=["kube_pod_labels"])
    assert chosen["metric_relabel_configs"][0]["regex"] == "shop_.+"


def test_labels_are_written_as_they_are_given_and_those_of_the_stack_come_last() -> None:
    job = rendered(
        {
            "service": SHOP,
            "owner": "shop",
            "labels": {"price": "5$1"},
            "relabel": [{"sourceLabels": ["price"], "targetLabel": "cost"}],
        }
    )
    written = [(step.get("target_label"), step.get("replacement")) for step in job["relabel_configs"]]
    assert written[-5:] == [
        ("price", "5$$1"),  # a dollar is a group to Prometheus
        ("cost", None),
        ("owner", "shop"),
        ("cluster", "c-1"),
        ("environment", "test"),
    ]


def test_limits_and_times_of_a_job_are_its_own() -> None:
    limits = {"samples": 1, "labels": 2, "labelNameLength": 3, "labelValueLength": 4, "bodySize": "5Mi", "targets": 6}
    job = rendered({"service": SHOP, "limits": limits, "interval": "1m", "timeout": "40s", "honorLabels": True})
    found = [job[f"{name}_limit"] for name in ("sample", "label", "label_name_length", "label_value_length", "target")]
    assert (found, job["body_size_limit"]) == ([1, 2, 3, 4, 6], "5MiB")
    assert (job["scrape_interval"], job["scrape_timeout"], job["honor_labels"]) == ("1m", "40s", True)
    assert not [key for key in rendered({"service": SHOP}) if key.endswith("_limit")], "else those of the server hold"


# --- whom Prometheus may speak to ---

ANYWHERE: list[dict[str, Any]] = [
    {"namespace_selector": {}},
    {"ip_block": {"cidr": "0.0.0.0/0"}},
    {"ip_block": {"cidr": "::/0"}},
]
NODES: list[dict[str, Any]] = [{"ip_block": {"cidr": "10.9.0.0/16"}}]
CREDENTIALS = {("169.254.169.254/32", 80), ("169.254.170.23/32", 80)}


def opened(job: dict[str, Any]) -> list[dict[str, Any]]:
    """Rules of Prometheus's network policy that the job adds."""

    def egress(settings: Settings) -> list[dict[str, Any]]:
        made: Any = policy("prometheus", flows(settings, settings.watched), settings.cluster)
        return list(made["egress"])

    before = egress(stack())
    return [rule for rule in egress(stack(job)) if rule not in before]


def rule(to: list[dict[str, Any]], *ports: int) -> dict[str, Any]:
    return {"to": to, **({"ports": [{"port": port, "protocol": "TCP"} for port in ports]} if ports else {})}


def namespace(name: str) -> list[dict[str, Any]]:
    return [{"namespace_selector": {"match_labels": {"kubernetes.io/metadata.name": name}}}]


@pytest.mark.parametrize(
    ("job", "expected"),
    [
        ({"targets": ["a.example.com:9187"]}, [rule(ANYWHERE, 9187)]),
        ({"service": SHOP}, [rule(namespace("shop"))]),
        ({"service": {**SHOP, "portName": None, "port": 9102}}, [rule(namespace("shop"), 9102)]),
        ({"service": {**SHOP, "portName": None, "containerPortName": "metrics"}}, [rule(namespace("shop"))]),
        (
            {"pods": {"namespaces": ["a", "b"], "selector": {"app": "x"}, "port": 9102, "hostNetwork": True}},
            [rule(namespace("a"), 9102), rule(namespace("b"), 9102), rule(NODES, 9102)],
        ),
        (
            {"pods": {"selector": {"app": "x"}, "port": 9102}},
            [rule([{"namespace_selector": {}}, *NODES], 9102)],
        ),
        (
            {"http": {"url": "http://inventory.example.com:8081/", "ports": [9102, 9103]}},
            [rule(ANYWHERE, 8081), rule(ANYWHERE, 9102, 9103)],
        ),
        ({"dns": {"names": ["_x._tcp.example.com"], "type": "SRV", "port": 9102}}, [rule(ANYWHERE, 9102)]),
        (
            {"file": {"groups": [{"targets": ["a:91"]}, {"targets": ["b:92"]}]}},
            [rule(ANYWHERE, 91), rule(ANYWHERE, 92)],
        ),
    ],
    ids=["targets", "service", "number", "port of the pods", "host network", "pods anywhere", "http", "dns", "file"],
)
def test_a_job_opens_its_targets_and_what_lists_them(job: dict[str, Any], expected: list[dict[str, Any]]) -> None:
    assert opened(job) == expected


@pytest.mark.parametrize(
    "job",
    [
        {"ec2": {"region": "eu-1", "port": 9102}},
        {"azure": {"subscriptionId": "1-2", "port": 9102}},
        {"gce": {"project": "shop", "zones": ["eu-1b"], "port": 9102}},
    ],
    ids=["ec2", "azure", "gce"],
)
def test_a_cloud_opens_its_machines_its_api_and_where_credentials_come_from(job: dict[str, Any]) -> None:
    found = opened(job)
    assert rule(ANYWHERE, 9102) in found
    assert rule(ANYWHERE, 443) in found
    blocks = {
        (peer["ip_block"]["cidr"], each["ports"][0]["port"])
        for each in found
        for peer in each["to"][:1]
        if "ip_block" in peer
    }
    assert blocks >= CREDENTIALS


# --- whose alert it is ---


def production(**notifications: Any) -> dict[str, Any]:
    receivers = [
        {"name": "on-call", "webhook": {"urlSecret": "url"}},
        {"name": "heartbeat", "deadMan": {"urlSecret": "url"}},
    ]
    return {
        **STACK,
        "cluster": {**STACK["cluster"], "environment": "prod"},
        "prometheus": {"scrapeJobs": [{"name": "shop", "service": SHOP, "owner": "shop"}]},
        "notifications": {"receivers": receivers, **notifications},
    }


def test_a_target_that_is_down_is_its_owner_s_and_else_the_platform_s() -> None:
    owned = {**STACK, "prometheus": {"scrapeJobs": [{"name": "shop", "service": SHOP, "owner": "shop"}]}}
    (alert,) = [each for each in read(owned).watched.alerts if each.name == "TargetDown"]
    assert isinstance(alert, Alert)
    (plain,) = alert.plain()
    assert (
        plain["labels"]["owner"]
        == '{{ if match "^(shop)$" $labels.owner }}{{ $labels.owner }}{{ else }}platform{{ end }}'
    )


def test_an_owner_of_targets_without_a_route_is_refused_in_production() -> None:
    with pytest.raises(Refused) as refused:
        read(production(routes=[{"receiver": "on-call", "owner": ["platform", "agents", "security"]}]))
    why = "in production every alert must reach somebody"
    said = f'notifications.routes: no route for severity "warning" of owner "shop" (TargetDown): {why}'
    assert said in refused.value.problems


def test_a_team_that_a_list_of_targets_may_name_needs_a_route_in_production() -> None:
    listed = {"name": "shop", "http": {"url": "http://lists.example/", "ports": [80]}}
    stack: dict[str, Any] = {"owners": {"teams": {"warehouse": {}}}, "prometheus": {"scrapeJobs": [listed]}}
    read(production(routes=[{"receiver": "on-call"}]) | stack)
    with pytest.raises(Refused) as refused:
        read(production(routes=[{"receiver": "on-call", "owner": ["platform", "agents", "security"]}]) | stack)
    assert 'of owner "warehouse" (TargetDown)' in "".join(refused.value.problems)


def test_a_route_may_name_an_owner_that_only_targets_have() -> None:
    read(production(routes=[{"receiver": "on-call", "owner": ["shop"]}, {"receiver": "on-call"}]))


def test_an_owner_of_targets_that_is_no_team_is_refused() -> None:
    of_another = production(routes=[{"receiver": "on-call"}]) | {"owners": {"teams": {"warehouse": {}}}}
    with pytest.raises(Refused) as refused:
        read(of_another)
    (problem,) = [each for each in refused.value.problems if "scrapeJobs" in each]
    assert problem.startswith('prometheus.scrapeJobs[0].owner: "shop": an owner: ')
