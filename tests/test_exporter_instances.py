"""Exporters of which one runs per thing that is watched: two databases, each with an exporter of its own."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import pytest

from model.exporter import Exporter, scrape_job
from model.flows import Internet
from model.images import pinned
from model.metrics import target_labels
from model.settings import ConfigSecret, ExistingSecret, Secret, resources
from rules import nodes, systems
from rules.system import Surroundings, Watched
from tests.conftest import Recorded
from tools import stack_file
from tools.local.rendered import loaded
from tools.local.stack_text import merged
from tools.recorder import ROOT, record

IMAGE = pinned("quay.io/example/store-exporter:v1.0.0", uid=65534, binaries={})
HOOK = "hunter2-of-the-orders"
PASSWORDS: dict[str, Secret] = {
    "orders": ConfigSecret(key="hookUrl"),
    "carts": ExistingSecret(name="carts-monitor", key="password"),
}


def exporter(database: str) -> Exporter:
    return Exporter(
        name="store-exporter",
        instance=database,
        image=IMAGE,
        args=(f"--config=/etc/store-exporter-{database}/config/store.yml",),
        ports={"metrics": 9187},
        resources=resources("10m", "32Mi", "64Mi"),
        live=("/alive", "metrics"),
        ready=("/", "metrics"),
        startup_seconds=120,
        files={"store.yml": f"database: {database}"},
        env={"STORE_URI": f"{database}.shop.svc:5432"},
        secret_env={"STORE_PASSWORD": PASSWORDS[database]},
        egress=((Internet(f"{database}.example.com"), (5432,)),),
    )


EXPORTERS = (exporter("orders"), exporter("carts"))


def build(_settings: Any, surroundings: Surroundings) -> Watched:
    jobs = (scrape_job(EXPORTERS, surroundings.cluster.namespaces.stack),)
    return Watched(exporters=EXPORTERS, scrape_jobs=jobs)


@pytest.fixture(scope="module")
def made() -> Recorded:
    """The development stack, in which `nodes` is this system of stores."""
    given = stack_file.read(ROOT / "Pulumi.dev.yaml").config
    hook = {"receivers": [{"name": "hook", "webhook": {"urlSecret": "hookUrl"}}], "routes": [{"receiver": "hook"}]}
    alone: dict[str, Any] = {system.key: None for system in systems.SYSTEMS} | {"nodes": {}}
    config = merged(given, {"notifications": hook, "systems": alone})
    listed = tuple(replace(each, build=build) if each is nodes.SYSTEM else each for each in systems.SYSTEMS)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(systems, "SYSTEMS", listed)
        return Recorded(config, record("dev", config, {"hookUrl": HOOK}))


@pytest.mark.parametrize("database", ["orders", "carts"])
def test_each_database_has_an_exporter_of_its_own(made: Recorded, database: str) -> None:
    name = f"store-exporter-{database}"
    container = made.container(name)
    assert {"name": "STORE_URI", "value": f"{database}.shop.svc:5432"} in container["env"]
    assert container["livenessProbe"]["httpGet"]["path"] == "/alive"
    startup = container["startupProbe"]
    assert startup["periodSeconds"] * startup["failureThreshold"] == 120
    assert made.files[f"{name}/config/store.yml"] == f"database: {database}", "where its argument says"
    assert name in made.kind("Service")
    assert made.pod(name)["serviceAccountName"] == name


def test_a_password_is_a_secret_wherever_it_comes_from(made: Recorded) -> None:
    def source(database: str) -> dict[str, str]:
        (password,) = (each for each in made.container(f"store-exporter-{database}")["env"] if "valueFrom" in each)
        assert password["name"] == "STORE_PASSWORD"
        key: dict[str, str] = password["valueFrom"]["secretKeyRef"]
        return key

    assert source("orders") == {"name": "store-exporter-orders-secrets", "key": "STORE_PASSWORD"}
    assert source("carts") == {"name": "carts-monitor", "key": "password"}
    assert "store-exporter-carts-secrets" not in made.kind("Secret")
    assert "checksum/secrets" in made.template("store-exporter-orders")["metadata"]["annotations"], "a new one is read"
    assert HOOK not in str(list(made.objects.values()))


def test_each_exporter_reaches_its_own_database_alone(made: Recorded) -> None:
    rules = made.kind("NetworkPolicy")["store-exporter-orders"]["spec"]["egress"]
    assert [port["port"] for rule in rules for port in rule["ports"] if port["port"] == 5432] == [5432]


def test_one_job_scrapes_all_and_says_what_they_watch_and_not_which_pod_does(made: Recorded) -> None:
    (job,) = loaded(made.files["prometheus/scrape/store-exporter.yml"])["scrape_configs"]
    (discovery,) = job["kubernetes_sd_configs"]
    (selector,) = discovery["selectors"]
    assert selector["label"] == "kubernetes.io/service-name in (store-exporter-carts, store-exporter-orders)"
    (step,) = (step for step in job["relabel_configs"] if step.get("target_label") == "instance")
    assert step["source_labels"] == ["__meta_kubernetes_endpointslice_label_kubernetes_io_service_name"]
    found = re.fullmatch(step["regex"], "store-exporter-orders")
    assert found
    assert found[1] == "orders"
    assert "pod" not in target_labels(scrape_job(EXPORTERS, "monitoring")), "series go on with the next pod"


@pytest.mark.parametrize(
    ("changes", "wrong"),
    [
        ({"instance": "Orders"}, "small letters"),
        ({"instance": "o" * 50}, "at most 50"),
        ({"per_node": True}, "cannot have an instance"),
    ],
)
def test_an_exporter_is_refused_whose_objects_could_not_be_made(changes: dict[str, Any], wrong: str) -> None:
    with pytest.raises(ValueError, match=wrong):
        replace(EXPORTERS[0], **changes)
