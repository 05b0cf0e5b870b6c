"""People's own scrape jobs on a real Prometheus: targets that refuse without a credential, discovery, what is kept."""

from __future__ import annotations

import json
import threading
from base64 import b64encode
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import pytest

from tests.servers.target import HOST, SAMPLES, Target, authority
from tools.local.account import Account
from tools.local.asked import EVERYWHERE, get, query, wait_until
from tools.local.control_plane import ControlPlane
from tools.local.harness import Process, eventually, free_port, http_text
from tools.local.rendered import Manifest, changed
from tools.local.server import LocalServer

TOKEN, NEW_TOKEN, PASSWORD, KEY = "planted-token-Hv61", "planted-token-Bq07", "planted-word-Lt35", "planted-key-Nd90"
SHOP = "scraped-shop"
SCRAPE, SECRETS = "/etc/prometheus/scrape", "/etc/prometheus/secrets"


@dataclass(frozen=True)
class Scraping:
    local: LocalServer
    process: Process
    targets: Mapping[str, Target]
    planted: Mapping[str, str]

    def error(self, job: str) -> str:
        """Why the job's only target is not scraped."""
        (found,) = self.of(job)
        return str(found["lastError"])

    def of(self, job: str) -> list[Manifest]:
        return [
            target
            for target in get(self.local, "targets", state="active")["activeTargets"]
            if target["scrapePool"] == job
        ]

    def down(self, job: str, because: str) -> None:
        eventually(lambda: because in self.error(job), 30, f"{job} is refused: {because}")
        wait_until(self.local, f'sum(up{{job="{job}"}})', 0)

    def up(self, job: str, targets: int = 1) -> None:
        wait_until(self.local, f'sum(up{{job="{job}"}})', targets)

    def metrics(self, job: str) -> set[str]:
        """Metrics of a job, of those that its target sends."""
        found = get(self.local, "label/__name__/values", **{"match[]": f'{{job="{job}"}}'})
        return {line.split()[0] for line in SAMPLES.splitlines()}.intersection(found)


@pytest.fixture(scope="module")
def scraping(control_plane: ControlPlane, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scraping]:
    home = tmp_path_factory.mktemp("scrape-jobs")
    root, certificate, client = authority(home)
    basic = b64encode(f"scraper:{PASSWORD}".encode()).decode()
    listed = Target()
    targets = {
        "bearer": Target({"Authorization": f"Bearer {TOKEN}"}),
        "rotated": Target({"Authorization": f"Bearer {TOKEN}"}),
        "basic": Target({"Authorization": f"Basic {basic}"}),
        "header": Target({"X-API-Key": KEY}),
        "mutual": Target(certificate=certificate, authority=root),
        "tls": Target(certificate=certificate),
        "plain": Target(),
        "listed": listed,
        "list": Target(
            {"Authorization": f"Bearer {TOKEN}"},
            json.dumps([{"targets": [listed.address], "labels": {"site": "north"}}]),
            "application/json",
        ),
        "list of down": Target(
            body=json.dumps([{"targets": [f"127.0.0.1:{free_port()}"], "labels": {"owner": name}} for name in NAMED]),
            kind="application/json",
        ),
        "large": Target(body="".join(f'shop_orders_total{{n="{n}"}} 1\n' for n in range(5))),
        "slow": Target(slow=threading.Event()),
        "honest": Target(body='shop_orders_total{shop="theirs"} 1\n'),
    }
    there = ("mutual", "tls")

    def job(name: str, target: str, secrets: tuple[str, ...] = (), **settings: Any) -> dict[str, Any]:
        """A job of one of the targets; TLS where that has it."""
        tls = {f"{use}Secret": {"name": "theirs", "key": use} for use in secrets}
        about = {"scheme": "https", "tls": {**tls, **settings.pop("tls", {})}} if target in there else {}
        return {"name": name, "targets": [targets[target].address], **about, **settings}

    def secret(key: str) -> dict[str, str]:
        return {"name": "theirs", "key": key}

    def listing(token: str) -> dict[str, Any]:
        url = f"http://{targets['list'].address}/"
        return {"url": url, "ports": [listed.port], "refresh": "1s", "bearerTokenSecret": secret(token)}

    mutual = ("ca", "cert", "key")
    jobs = [
        job("bearer", "bearer", bearerTokenSecret=secret("token")),
        job("rotated", "rotated", bearerTokenSecret=secret("rotated")),
        job("bearer-wrong", "bearer", bearerTokenSecret=secret("wrong"), owner="shop"),
        job("bearer-none", "bearer"),
        job("basic", "basic", basicAuth={"username": "scraper", "passwordSecret": secret("password")}),
        job("basic-wrong", "basic", basicAuth={"username": "scraper", "passwordSecret": secret("wrong")}),
        job("header", "header", header={"name": "X-API-Key", "valueSecret": secret("key")}),
        job("header-wrong", "header", header={"name": "X-API-Key", "valueSecret": secret("wrong")}),
        job("mutual", "mutual", mutual, tls={"serverName": HOST}),
        job("mutual-nobody", "mutual", ("ca",), tls={"serverName": HOST}),
        job("mutual-other-name", "mutual", mutual, tls={"serverName": "shop.example.com"}),
        job("tls", "tls", ("ca",), tls={"serverName": HOST}),
        job("tls-unknown", "tls", tls={"serverName": HOST}),
        job("tls-unverified", "tls", tls={"insecureSkipVerify": True}),
        {"name": "listed", "http": listing("token")},
        {"name": "listed-wrong", "http": listing("wrong")},
        {"name": "listed-down", "http": {"url": f"http://{targets['list of down'].address}/", "ports": [80]}},
        {
            "name": "grouped",
            "file": {
                "groups": [
                    {"targets": [targets["plain"].address], "labels": {"site": "north"}},
                    {"targets": [listed.address], "labels": {"site": "south"}},
                ]
            },
        },
        job("small-limit", "large", limits={"samples": 4}),
        job("fitting-limit", "large", limits={"samples": 5}),
        job("impatient", "slow", timeout="1s"),
        job("chosen", "plain", allow=["shop_.+"], deny=["shop_debug_.+"]),
        job("denied", "plain", deny=["shop_debug_.+"]),
        job("asking", "plain", path="/stats", params={"collect[]": ["cpu", "disk"]}, labels={"rack": "a$1"}),
        job("honoured", "honest", labels={"shop": "ours"}, honorLabels=True),
        job("renamed", "honest", labels={"shop": "ours"}),
        job(
            "relabelled",
            "plain",
            relabel=[{"sourceLabels": ["__address__"], "regex": "(.+):.+", "targetLabel": "host"}],
            metricRelabel=[{"sourceLabels": ["__name__"], "regex": "(.+)_total", "targetLabel": "short"}],
        ),
        {"name": "service", "service": {"namespaces": [SHOP], "name": "shop", "portName": "metrics"}},
        {"name": "unlisted", "service": {"namespaces": [SHOP], "name": "shop", "containerPortName": "unlisted"}},
        {"name": "pods", "pods": {"namespaces": [SHOP], "selector": {"app": "shop"}, "port": 9102}},
    ]
    planted = {
        "scrape.bearer-token": TOKEN,
        "scrape.rotated-token": TOKEN,
        "scrape.basic-password": PASSWORD,
        "scrape.header-header": KEY,
        "discovery.listed-token": TOKEN,
        **{
            f"scrape.{name}-{use}": file.read_text()
            for name in ("mutual", "mutual-nobody", "mutual-other-name", "tls")
            for use, file in {"ca": root, "cert": client, "key": client.with_suffix(".key")}.items()
        },
    }
    stack = changed(
        home,
        "dev",
        {
            "prometheus": {"scrapeInterval": "1s", "evaluationInterval": "1s", "scrapeJobs": jobs},
            "owners": {"teams": {"shop": {}, NAMED[0]: {}}},
        },
    )
    control_plane.namespace(SHOP)
    control_plane.apply(*shop())
    local = LocalServer(
        stack, "prometheus", home / "pod", Account.admin(control_plane), planted={**planted, **WRONG_SECRETS}
    )
    with ExitStack() as exits:
        for target in targets.values():
            exits.enter_context(target.running())
        process = exits.enter_context(local.process())
        eventually(lambda: http_text(f"{local.url}/-/ready"), 30, "Prometheus is ready")
        yield Scraping(local, process, targets, planted)


NAMED = ("warehouse", "a-stranger")
"""Owners that a list of targets names: a team of the stack file, and none."""
WRONG_SECRETS = {
    "scrape.bearer-wrong-token": "not-it",
    "scrape.basic-wrong-password": "not-it",
    "scrape.header-wrong-header": "not-it",
    "discovery.listed-wrong-token": "not-it",
}
REPLICAS = 3


def shop() -> Iterator[Manifest]:
    """A Deployment of three, and a Service of two of its three ports before it."""
    labels = {"app": "shop"}
    ports = [{"name": "web", "containerPort": 8080}, {"name": "metrics", "containerPort": 9102}]
    unlisted = {"name": "unlisted", "containerPort": 9103}
    pod = {
        "metadata": {"labels": labels},
        "spec": {"containers": [{"name": "shop", "image": "shop:1", "ports": [*ports, unlisted]}]},
    }
    about = {"name": "shop", "namespace": SHOP}
    spec = {"replicas": REPLICAS, "selector": {"matchLabels": labels}, "template": pod}
    yield {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": about, "spec": spec}
    listed = [{"name": port["name"], "port": port["containerPort"]} for port in ports]
    yield {"apiVersion": "v1", "kind": "Service", "metadata": about, "spec": {"selector": labels, "ports": listed}}


# --- logins ---


@pytest.mark.parametrize("job", ["bearer", "basic", "header", "mutual", "tls", "tls-unverified"])
def test_a_target_lets_in_whoever_has_the_credential(scraping: Scraping, job: str) -> None:
    scraping.up(job)
    assert query(scraping.local, f'shop_orders_total{{job="{job}"}}')


@pytest.mark.parametrize(
    ("job", "because"),
    [
        ("bearer-none", "401"),
        ("bearer-wrong", "401"),
        ("basic-wrong", "401"),
        ("header-wrong", "401"),
        ("mutual-nobody", "certificate required"),
        ("mutual-other-name", f"certificate is valid for {HOST}, not shop.example.com"),
        ("tls-unknown", "certificate signed by unknown authority"),
    ],
)
def test_a_target_refuses_whoever_has_not(scraping: Scraping, job: str, because: str) -> None:
    scraping.down(job, because)


def test_a_rotated_token_is_sent_without_a_restart(scraping: Scraping) -> None:
    scraping.up("rotated")
    scraping.targets["rotated"].asks["Authorization"] = f"Bearer {NEW_TOKEN}"
    scraping.down("rotated", "401")

    scraping.local.put(SECRETS, {**scraping.local.files(SECRETS), "scrape.rotated-token": NEW_TOKEN})

    scraping.up("rotated")
    assert scraping.process.alive


def test_no_secret_is_in_the_configuration_that_prometheus_shows(scraping: Scraping) -> None:
    shown = str(get(scraping.local, "status/config")) + str(get(scraping.local, "targets"))
    assert not [secret for secret in scraping.planted.values() if secret in shown]


# --- discovery ---


def test_an_endpoint_lists_targets_for_whoever_has_its_token(scraping: Scraping) -> None:
    scraping.up("listed")
    assert query(scraping.local, 'up{job="listed", site="north"}')
    listing = scraping.targets["list"]
    eventually(lambda: "Bearer not-it" in listing.logins, 30, "who has another token asks as well")
    assert scraping.of("listed-wrong") == []


def test_a_list_that_refuses_is_counted_by_the_name_of_its_job(scraping: Scraping) -> None:
    """By which ScrapeJobTargetsOutdated tells whose list it is."""
    failures = "prometheus_sd_refresh_failures_total"
    eventually(lambda: scraping.local.metric(failures, config="listed-wrong") > 2, 30, "three questions failed")
    assert scraping.local.metric(failures, config="listed") == 0


def test_the_token_of_the_list_is_not_sent_to_the_targets(scraping: Scraping) -> None:
    scraping.up("listed")
    assert scraping.targets["list"].logins >= {f"Bearer {TOKEN}"}
    assert scraping.targets["listed"].logins == {None}


def test_groups_of_a_file_have_labels_of_their_own_and_are_read_again(scraping: Scraping) -> None:
    scraping.up("grouped", 2)
    assert {each["metric"]["site"] for each in query(scraping.local, 'up{job="grouped"}')} == {"north", "south"}

    loaded = scraping.local.metric("prometheus_config_last_reload_success_timestamp_seconds")
    files = scraping.local.files(SCRAPE)
    scraping.local.put(SCRAPE, {**files, "grouped.json": files["grouped.json"].replace("south", "west")})

    wait_until(scraping.local, 'sum(up{job="grouped", site="west"})', 1)
    assert scraping.local.metric("prometheus_config_last_reload_success_timestamp_seconds") == loaded, (
        "without a reload"
    )


def test_each_replica_behind_a_service_is_a_target(scraping: Scraping) -> None:
    eventually(lambda: len(scraping.of("service")) == REPLICAS, 60, "one target for each replica")
    found = scraping.of("service")
    assert {target["scrapeUrl"].rpartition(":")[2] for target in found} == {"9102/metrics"}, "the named port alone"
    assert len({target["labels"]["pod"] for target in found}) == REPLICAS
    assert {(target["labels"]["service"], target["labels"]["namespace"]) for target in found} == {("shop", SHOP)}


def test_a_port_that_the_service_does_not_list_is_found_by_its_name(scraping: Scraping) -> None:
    eventually(lambda: len(scraping.of("unlisted")) == REPLICAS, 60, "one target for each replica")
    assert {target["scrapeUrl"].rpartition(":")[2] for target in scraping.of("unlisted")} == {"9103/metrics"}


def test_each_pod_is_a_target_once(scraping: Scraping) -> None:
    eventually(lambda: len(scraping.of("pods")) == REPLICAS, 60, "one target for each pod, whatever ports it declares")
    assert {target["scrapeUrl"].rpartition(":")[2] for target in scraping.of("pods")} == {"9102/metrics"}


# --- what is asked, and what is kept ---


def test_a_target_above_the_job_s_limit_fails_and_at_the_limit_does_not(scraping: Scraping) -> None:
    scraping.down("small-limit", "sample limit exceeded")
    scraping.up("fitting-limit")


def test_a_target_that_takes_too_long_is_given_up(scraping: Scraping) -> None:
    scraping.down("impatient", "context deadline exceeded")


def test_only_what_is_allowed_and_not_denied_is_stored(scraping: Scraping) -> None:
    scraping.up("chosen")
    scraping.up("denied")
    assert scraping.metrics("chosen") == {"shop_orders_total"}
    assert scraping.metrics("denied") == {"shop_orders_total", "other_total"}


def test_path_parameters_and_labels_arrive_as_they_are_given(scraping: Scraping) -> None:
    scraping.up("asking")
    assert "/stats?collect%5B%5D=cpu&collect%5B%5D=disk" in scraping.targets["plain"].paths
    assert query(scraping.local, 'shop_orders_total{job="asking", rack="a$1"}')


def test_a_label_that_a_target_sends_is_renamed_unless_it_is_honoured(scraping: Scraping) -> None:
    scraping.up("honoured")
    scraping.up("renamed")
    assert query(scraping.local, 'shop_orders_total{job="honoured", shop="theirs"}')
    assert query(scraping.local, 'shop_orders_total{job="renamed", shop="ours", exported_shop="theirs"}')


def test_relabelling_reaches_targets_and_samples(scraping: Scraping) -> None:
    scraping.up("relabelled")
    assert query(scraping.local, 'shop_orders_total{job="relabelled", host="127.0.0.1", short="shop_orders"}')


def test_every_series_of_a_job_says_its_cluster_and_environment(scraping: Scraping) -> None:
    scraping.up("bearer")
    own = ",".join(f'{label}="{value}"' for label, value in EVERYWHERE.items())
    assert query(scraping.local, f'shop_orders_total{{job="bearer", {own}}}')


# --- whose alert it is ---


@pytest.mark.parametrize(
    ("job", "owner"),
    [
        ("bearer-wrong", "shop"),
        ("bearer-none", "platform"),
        ("listed-down", NAMED[0]),
        ("listed-down", "platform"),
    ],
)
def test_a_target_that_is_down_is_an_alert_of_its_owner(scraping: Scraping, job: str, owner: str) -> None:
    labels = f'alertname="TargetDown", job="{job}", owner="{owner}"'
    wait_until(scraping.local, f"count(ALERTS{{{labels}}})", 1)
