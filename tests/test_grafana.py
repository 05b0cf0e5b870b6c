"""Grafana: what runs it, how people reach it, its secrets."""

from __future__ import annotations

import asyncio
import base64
import contextvars
import json
from dataclasses import dataclass
from typing import Any

import pulumi
import pytest
from pulumi.runtime.stack import run_pulumi_func

from components import images, provider
from components.grafana import config
from components.settings.grafana import GrafanaSettings
from model.settings import ConfigSecret
from tests.recorded_grafana import (
    ABROAD,
    EVERYTHING,
    EXISTING,
    NAME,
    container,
    deployment,
    ini,
    objects,
    policy,
    recorded,
    resources,
)
from tools import render, stack_file
from tools.recorder import PROJECT, ROOT, Recorder, Resource, Secret, record

# --- what runs it ---


def test_on_sqlite_one_pod_at_a_time_holds_the_file() -> None:
    spec = deployment(recorded())["spec"]
    assert spec["replicas"] == 1
    assert spec["strategy"] == {"type": "Recreate"}, "two servers on one file lose writes"
    data = {volume["name"]: volume for volume in spec["template"]["spec"]["volumes"]}["data"]
    claim = objects(recorded())["PersistentVolumeClaim", data["persistentVolumeClaim"]["claimName"]]
    assert claim["spec"]["resources"]["requests"]["storage"] == "5Gi"
    assert ini(recorded())["database"]["type"] == "sqlite3"


def test_a_claim_keeps_its_spec_and_grows_by_a_patch() -> None:
    made = resources(recorded())
    assert made["grafana-data"].ignore_changes == ("spec",), "another StorageClass would replace it by an empty one"
    patch = made["grafana-data-size"]
    assert patch.type.endswith("PersistentVolumeClaimPatch")
    assert patch.inputs["spec"] == {"resources": {"requests": {"storage": "5Gi"}}}
    assert patch.inputs["metadata"]["annotations"]["pulumi.com/patchForce"] == "true"


def test_replicas_on_postgres_share_a_database_and_what_they_have_sent() -> None:
    recorder = recorded(grafana=EVERYTHING)
    spec = deployment(recorder)["spec"]
    assert spec["replicas"] == 2
    assert spec["strategy"]["type"] == "RollingUpdate"
    assert not [key for key in objects(recorder) if key[0] == "PersistentVolumeClaim"]
    alerting = ini(recorder)["unified_alerting"]
    peers, _, port = alerting["ha_peers"].partition(":")
    headless = objects(recorder)["Service", peers.partition(".")[0]]["spec"]
    assert headless["clusterIP"] == "None"
    assert headless["publishNotReadyAddresses"] is True, "peers must meet before they are ready"
    gossip = {(each["port"], each["protocol"]) for each in headless["ports"]} - {(3000, "TCP")}
    assert gossip == {(int(port), "TCP"), (int(port), "UDP")}
    assert alerting["ha_advertise_address"] == "[${POD_IP}]:9094", "of either family: without brackets no IPv6 address"
    assert "POD_IP" in {variable["name"] for variable in container(recorder)["env"]}
    assert ("PodDisruptionBudget", "grafana") in objects(recorder), "a drain takes one at a time"
    assert "ha_peers" not in ini(recorded())["unified_alerting"], "one alone has no other replica"
    database = ini(recorder)["database"]
    assert (database["host"], database["ssl_mode"]) == ("db.example.com:5432", "verify-full")


def test_only_what_grafana_writes_is_writable() -> None:
    main = container(recorded())
    writable = {mount["mountPath"] for mount in main["volumeMounts"] if not mount.get("readOnly")}
    assert writable == {"/var/lib/grafana", "/tmp"}  # noqa: S108  the container's
    assert main["securityContext"]["readOnlyRootFilesystem"] is True
    assert {"name": "HOME", "value": "/tmp"} in main["env"], "datasource processes write to their home"  # noqa: S108
    paths = ini(recorded())["paths"]
    assert all(path.startswith("/var/lib/grafana") for path in paths.values())
    assert deployment(recorded())["spec"]["template"]["spec"]["securityContext"]["runAsUser"] == 472


def test_a_changed_configuration_rolls_the_pods() -> None:
    def checksum(**settings: Any) -> str:
        annotations = deployment(recorded(grafana=settings))["spec"]["template"]["metadata"]["annotations"]
        found: str = annotations["checksum/config"]
        return found

    assert checksum() != checksum(logLevel="debug"), "Grafana reads its file once"


def test_a_lost_database_restarts_nobody() -> None:
    main = container(recorded())
    assert main["livenessProbe"]["httpGet"] == {"path": "/healthz", "port": "http"}, "asks no database"
    assert main["readinessProbe"]["httpGet"] == {"path": "/api/health", "port": "http"}, "503 without its database"


def test_an_image_that_was_not_tested_says_why() -> None:
    assert images.GRAFANA.tested == ""
    assert images.GRAFANA.why


# --- how people reach it ---


def test_the_ingress_leads_the_host_to_grafana_through_tls() -> None:
    made = objects(recorded())["Ingress", "grafana"]
    assert made["spec"] == {
        "rules": [
            {
                "host": "grafana.example.com",
                "http": {
                    "paths": [
                        {
                            "backend": {"service": {"name": "grafana", "port": {"number": 3000}}},
                            "path": "/",
                            "pathType": "Prefix",
                        }
                    ]
                },
            }
        ],
        "tls": [{"hosts": ["grafana.example.com"], "secretName": "grafana-tls"}],
    }
    assert made["metadata"]["annotations"] == {"cert-manager.io/cluster-issuer": "letsencrypt"}
    unawaited = resources(recorded())["grafana-ingress"].inputs["metadata"]["annotations"]["pulumi.com/skipAwait"]
    assert unawaited == "true", "an address may never come"


def test_on_kind_a_port_of_the_node_leads_to_grafana() -> None:
    made = objects(recorded("dev"))
    assert made["Service", "grafana-node-port"]["spec"] == {
        "ports": [{"name": "http", "nodePort": 30300, "port": 3000, "protocol": "TCP", "targetPort": 3000}],
        "selector": made["Deployment", "grafana"]["spec"]["selector"]["matchLabels"],
        "type": "NodePort",
    }
    assert not [key for key in made if key[0] == "Ingress"]
    assert recorded("dev").outputs["urls"]["grafana"] == "http://localhost:30300"


ANYBODY = [{"namespaceSelector": {}}, {"ipBlock": {"cidr": "0.0.0.0/0"}}, {"ipBlock": {"cidr": "::/0"}}]
TO_GRAFANA = [{"port": 3000, "protocol": "TCP"}]


def test_the_ingress_controller_may_be_narrowed_down() -> None:
    ingress = {"host": "grafana.example.com", "tls": {}}
    controller = {"namespace": "traefik", "labels": {NAME: "traefik"}, "addresses": ["10.1.0.0/16"]}
    url = "https://grafana.example.com"
    narrow = policy(recorded(grafana={"url": url, "ingress": {**ingress, "controller": controller}}))
    assert {
        "from": [
            {
                "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "traefik"}},
                "podSelector": {"matchLabels": {NAME: "traefik"}},
            },
            {"ipBlock": {"cidr": "10.1.0.0/16"}},
        ],
        "ports": TO_GRAFANA,
    } in narrow["ingress"]
    assert {"from": ANYBODY, "ports": TO_GRAFANA} not in narrow["ingress"]
    assert {"from": ANYBODY, "ports": TO_GRAFANA} in policy(recorded())["ingress"], "any controller by default"


def test_without_exposure_only_prometheus_comes_in() -> None:
    (only,) = policy(recorded(grafana={}))["ingress"]
    assert only["from"] == [{"podSelector": {"matchLabels": {NAME: "prometheus"}}}]


def test_grafana_reaches_what_its_settings_name_and_no_more() -> None:
    def reached(spec: dict[str, Any]) -> set[tuple[int, str]]:
        return {(port["port"], port["protocol"]) for rule in spec["egress"] for port in rule["ports"]}

    everyday = {(53, "UDP"), (53, "TCP"), (9090, "TCP"), (9093, "TCP"), (16686, "TCP"), (3100, "TCP")}
    assert reached(policy(recorded())) == everyday
    more = {(5432, "TCP"), (443, "TCP"), (8443, "TCP"), (587, "TCP"), (9094, "TCP"), (9094, "UDP")}
    assert reached(policy(recorded(grafana=EVERYTHING))) == everyday | more


# --- the one that is there already ---


def test_an_external_grafana_leaves_nothing_of_ours() -> None:
    recorder = recorded(grafana=ABROAD, secrets=("grafanaToken",))
    assert objects(recorder) == {}
    assert {name for name in resources(recorder) if not name.startswith("grafana-content")} == {"grafana"}, (
        "the provider"
    )
    assert "prometheus/scrape/grafana.yml" not in render.config_files(render.manifests(recorder))
    assert "grafana" not in json.dumps(
        [made for made in render.manifests(recorder) if made["kind"] == "NetworkPolicy"]
    ), "nobody to let in"
    assert recorder.outputs["urls"]["grafana"] == ABROAD["external"]["url"]


# --- secrets that nobody gave, and the provider ---


def test_what_nobody_gave_is_drawn_once_and_secret() -> None:
    made = resources(recorded())
    again = resources(record("prod", stack_file.read(ROOT / "Pulumi.prod.yaml").config, {}))
    for file in ("admin-password", "secret-key"):
        secret = made[f"grafana-{file}"]
        assert "data" in secret.ignore_changes, "every run draws another: the first one stays"
        value = _plain(secret.inputs["data"], file)
        assert len(base64.b64decode(value)) >= 32, "beyond guessing"
        assert value != _plain(again[f"grafana-{file}"].inputs["data"], file), "drawn, not derived from anything"
    assert _plain(made["grafana-admin-password"].inputs["data"], "admin-password") != _plain(
        made["grafana-secret-key"].inputs["data"], "secret-key"
    )


def _plain(data: Any, key: str) -> str:
    """The value under ``key`` of what must be a secret as a whole, or there."""
    inner = data.value if isinstance(data, Secret) else data
    value = inner[key]
    assert isinstance(data, Secret) or isinstance(value, Secret), "the engine must receive it as a secret"
    found: str = value.value if isinstance(value, Secret) else value
    return found


def test_what_somebody_gave_is_not_drawn() -> None:
    recorder = recorded(
        grafana={"adminPasswordSecret": "adminPassword", "secretKeySecret": EXISTING}, secrets=("adminPassword",)
    )
    names = {name for kind, name in objects(recorder) if kind == "Secret"}
    assert names == {"grafana-secrets"}
    assert set(objects(recorder)["Secret", "grafana-secrets"]["data"]) == {"admin-password"}


@dataclass(frozen=True)
class Deployed:
    """What the provider asks of a deployed Grafana."""

    admin_password: pulumi.Output[str] | None


def _provider(settings: dict[str, Any], password: str | None) -> Any:
    """What the engine would receive; ``password`` is what the deployed Grafana's administrator has."""

    def program() -> None:
        read = GrafanaSettings.model_validate(settings)
        deployed: Any = (
            None if read.external else Deployed(None if password is None else pulumi.Output.secret(password))
        )
        provider.grafana(read, {"grafanaToken": pulumi.Output.secret("glsa_token")}, deployed)

    async def run() -> list[Resource]:
        recorder = Recorder()
        pulumi.runtime.set_mocks(recorder.mocks, PROJECT, "test", preview=False, monitor=recorder)
        await run_pulumi_func(program)
        return recorder.resources_seen

    seen = contextvars.Context().run(lambda: asyncio.run(run()))
    return seen[0].inputs if seen else None


@pytest.mark.parametrize(
    ("settings", "password", "url", "credentials"),
    [
        ({"url": "https://g.example.com"}, "hunter2", "https://g.example.com", "admin:hunter2"),
        ({"tokenSecret": "grafanaToken"}, "hunter2", "http://localhost:3000", "glsa_token"),
        (ABROAD, None, "https://grafana.elsewhere.example.com", "glsa_token"),
    ],
)
def test_the_provider_logs_in_with_a_secret_and_is_patient(
    settings: dict[str, Any], password: str | None, url: str, credentials: str
) -> None:
    inputs = _provider(settings, password)
    assert inputs["url"] == url
    assert inputs["auth"] == Secret(credentials), "credentials must be secret in the state"
    assert int(inputs["retries"]) * int(inputs["retryWait"]) >= 120, "a certificate takes up to two minutes"
    assert json.loads(inputs["retryStatusCodes"]) == ["429", "5xx"]


def test_without_credentials_that_pulumi_knows_there_is_no_provider() -> None:
    assert _provider({"adminPasswordSecret": EXISTING}, None) is None


def test_the_deployed_grafana_knows_its_password_only_when_pulumi_does() -> None:
    assert isinstance(
        GrafanaSettings.model_validate({"adminPasswordSecret": "key"}).admin_password_secret, ConfigSecret
    )
    assert config.to_generate(GrafanaSettings.model_validate({"adminPasswordSecret": EXISTING})) == ("secret-key",)


# --- watched ---


def test_prometheus_scrapes_every_grafana() -> None:
    files = render.config_files(render.manifests(recorded()))
    job = files["prometheus/scrape/grafana.yml"]
    assert "kubernetes.io/service-name=grafana" in job
    assert "metrics_path: /metrics" in job


def test_a_stack_that_does_not_watch_itself_does_not_scrape_grafana() -> None:
    given = stack_file.read(ROOT / "Pulumi.dev.yaml").config
    given["systems"] = {**given["systems"], "monitoring": None}
    files = render.config_files(render.manifests(record("dev", given, {})))
    assert not [path for path in files if path.endswith("scrape/grafana.yml")]


@pytest.mark.parametrize("stack", ["dev", "prod"])
def test_a_first_deployment_needs_no_secret_beforehand(stack: str) -> None:
    _, missing = render.render(stack, ROOT / f"Pulumi.{stack}.yaml")
    assert missing == [], "what nobody gives is drawn"
