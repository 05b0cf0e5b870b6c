"""Grafana: what its configuration promises, and what runs it."""

from __future__ import annotations

import asyncio
import base64
import configparser
import contextvars
import json
from dataclasses import dataclass
from functools import cache
from typing import Any

import pulumi
import pytest
from pulumi.runtime.stack import run_pulumi_func

from components import images, provider
from components.grafana import config
from components.settings.grafana import GrafanaSettings
from model.cluster import ClusterSettings
from model.settings import ConfigSecret
from tools import render, stack_file
from tools.recorder import PROJECT, ROOT, Recorder, Resource, Secret, record

NAME = "app.kubernetes.io/name"
EXISTING = {"name": "kept-elsewhere", "key": "value"}
POSTGRES = {"database": {"postgres": {"host": "db.example.com", "passwordSecret": EXISTING}}}
OIDC = {
    "clientId": "grafana",
    "clientSecretSecret": EXISTING,
    "authUrl": "https://id.example.com/authorize",
    "tokenUrl": "https://id.example.com/token",
    "apiUrl": "https://id.example.com:8443/userinfo",
    "roleAttributePath": "contains(groups[*], 'admins') && 'Admin' || 'Viewer'",
    "allowedDomains": ["example.com", "example.org"],
}
SMTP = {"host": "mail.example.com:587", "user": "grafana", "passwordSecret": EXISTING, "fromAddress": "a@example.com"}
EVERYTHING = {**POSTGRES, "replicas": 2, "oidc": OIDC, "smtp": SMTP}
ABROAD = {"external": {"url": "https://grafana.elsewhere.example.com", "tokenSecret": "grafanaToken"}}
CLUSTER = ClusterSettings(name="c", environment="test", context="c", flavour="kind")

# Every section and key that Grafana's own list of defaults has and that is set here: a key that Grafana does not know
# is ignored without a word, so a misspelt one would open what it should close.
DOCUMENTED = {
    "server": {"http_port", "root_url", "serve_from_sub_path", "enable_gzip"},
    "paths": {"data", "plugins"},
    "database": {"type", "path", "wal", "host", "name", "user", "password", "ssl_mode", "ca_cert_path"},
    "security": {
        "disable_initial_admin_creation",
        "admin_user",
        "admin_password",
        "secret_key",
        "disable_gravatar",
        "disable_brute_force_login_protection",
        "cookie_secure",
        "cookie_samesite",
        "allow_embedding",
        "strict_transport_security",
        "strict_transport_security_max_age_seconds",
        "x_content_type_options",
        "content_security_policy",
        "content_security_policy_template",
    },
    "users": {"allow_sign_up", "allow_org_create", "auto_assign_org_role"},
    "auth": {"oauth_allow_insecure_email_lookup"},
    "auth.anonymous": {"enabled", "hide_version"},
    "auth.generic_oauth": {
        "enabled",
        "name",
        "allow_sign_up",
        "client_id",
        "client_secret",
        "scopes",
        "auth_url",
        "token_url",
        "api_url",
        "use_pkce",
        "allow_assign_grafana_admin",
        "role_attribute_path",
        "role_attribute_strict",
        "allowed_domains",
    },
    "smtp": {
        "enabled",
        "host",
        "user",
        "password",
        "from_address",
        "from_name",
        "ehlo_identity",
        "startTLS_policy",
        "skip_verify",
    },
    "snapshots": {"external_enabled", "public_mode"},
    "public_dashboards": {"enabled"},
    "analytics": {"reporting_enabled", "check_for_updates", "check_for_plugin_updates", "feedback_links_enabled"},
    "news": {"news_feed_enabled"},
    "feature_toggles": {"enable"},
    "plugins": {
        "plugin_admin_enabled",
        "preinstall_disabled",
        "preinstall_auto_update",
        "public_key_retrieval_disabled",
    },
    "log": {"mode", "level"},
    "log.console": {"format"},
    "metrics": {"enabled"},
    "unified_alerting": {
        "enabled",
        "ha_peers",
        "ha_listen_address",
        "ha_advertise_address",
        "ha_reconnect_timeout",
    },
}


@cache
def _recorded(stack: str, grafana: str | None, secrets: tuple[str, ...]) -> Recorder:
    given = stack_file.read(ROOT / f"Pulumi.{stack}.yaml").config
    if grafana is not None:
        given["grafana"] = json.loads(grafana)
    return record(stack, given, dict.fromkeys(secrets, "s3cret"))


def recorded(stack: str = "prod", grafana: dict[str, Any] | None = None, secrets: tuple[str, ...] = ()) -> Recorder:
    """A shipped stack file, or one with this Grafana instead, as the engine receives it; look, do not touch."""
    return _recorded(stack, None if grafana is None else json.dumps(grafana), secrets)


def objects(recorder: Recorder) -> dict[tuple[str, str], dict[str, Any]]:
    """What is Grafana's, by kind and name."""
    made = {(made["kind"], made["metadata"]["name"]): made for made in render.manifests(recorder)}
    return {key: value for key, value in made.items() if value["metadata"]["labels"].get(NAME) == "grafana"}


def deployment(recorder: Recorder) -> dict[str, Any]:
    return objects(recorder)["Deployment", "grafana"]


def container(recorder: Recorder) -> dict[str, Any]:
    (only,) = deployment(recorder)["spec"]["template"]["spec"]["containers"]
    found: dict[str, Any] = only
    return found


def parsed(text: str) -> dict[str, dict[str, str]]:
    """An ini file as Grafana reads it: a value in triple quotes is what stands between them."""
    reader = configparser.RawConfigParser(comment_prefixes=("#", ";"), inline_comment_prefixes=None)
    reader.optionxform = str  # type: ignore[assignment,method-assign]  # keys are case-sensitive
    reader.read_string(text)
    return {
        section: {key: value.removeprefix('"""').removesuffix('"""') for key, value in reader[section].items()}
        for section in reader.sections()
    }


def ini(recorder: Recorder) -> dict[str, dict[str, str]]:
    return parsed(render.config_files(render.manifests(recorder))["grafana/config/grafana.ini"])


def resources(recorder: Recorder) -> dict[str, Resource]:
    return {made.name: made for made in recorder.resources_seen if made.name.startswith("grafana")}


def policy(recorder: Recorder) -> dict[str, Any]:
    spec: dict[str, Any] = objects(recorder)["NetworkPolicy", "grafana"]["spec"]
    return spec


# --- what the configuration promises ---


@pytest.mark.parametrize("settings", [{}, EVERYTHING, {**EVERYTHING, "database": {"sqlite": {}}, "replicas": 1}])
def test_every_key_is_one_that_grafana_knows(settings: dict[str, Any]) -> None:
    for section, keys in config.sections(GrafanaSettings.model_validate(settings), CLUSTER).items():
        assert set(keys) <= DOCUMENTED[section], f"[{section}]: an unknown key is ignored without a word"


@pytest.mark.parametrize(
    ("section", "key", "value", "because"),
    [
        ("security", "cookie_secure", "true", "a session must not travel in plain"),
        ("security", "cookie_samesite", "lax", "other sites' forms must not act in one's name"),
        ("security", "strict_transport_security", "true", "a browser that was here once never asks in plain again"),
        ("security", "content_security_policy", "true", "an injected script must not run"),
        ("security", "allow_embedding", "false", "another page must not catch clicks"),
        ("security", "disable_gravatar", "true", "mail addresses' hashes stay here"),
        ("security", "disable_brute_force_login_protection", "false", "guessing must stay slow"),
        ("security", "disable_initial_admin_creation", "false", "somebody must be able to log in"),
        ("users", "allow_sign_up", "false", "nobody invites himself"),
        ("users", "allow_org_create", "false", "there is one organisation"),
        ("users", "auto_assign_org_role", "Viewer", "more is given, never assumed"),
        ("auth", "oauth_allow_insecure_email_lookup", "false", "an address at a provider proves nobody's account"),
        ("auth.anonymous", "enabled", "false", "nobody looks without a login"),
        ("auth.anonymous", "hide_version", "true", "the version says which exploits fit"),
        ("snapshots", "external_enabled", "false", "data must not leave with a click"),
        ("snapshots", "public_mode", "false", "nobody stores snapshots without a login"),
        ("public_dashboards", "enabled", "false", "no link replaces a login"),
        ("analytics", "reporting_enabled", "false", "nothing calls home"),
        ("analytics", "check_for_updates", "false", "nothing calls home"),
        ("analytics", "check_for_plugin_updates", "false", "nothing calls home"),
        ("news", "news_feed_enabled", "false", "nothing calls home"),
        ("feature_toggles", "enable", "prometheusSpecialCharsInLabelValues", "a chosen value may have quotes"),
        ("plugins", "plugin_admin_enabled", "false", "code comes with the image"),
        ("plugins", "preinstall_disabled", "true", "it would stop the datasources that it cannot update"),
        ("plugins", "preinstall_auto_update", "false", "it would stop the datasources that it cannot update"),
        ("log", "mode", "console", "the root file system is read-only"),
        ("log.console", "format", "json", "the log collector reads JSON"),
        ("metrics", "enabled", "true", "Prometheus watches it"),
        ("unified_alerting", "enabled", "true", "log alerts live here"),
    ],
)
def test_the_production_grafana_is_closed(section: str, key: str, value: str, because: str) -> None:
    assert ini(recorded())[section][key] == value, because


def test_a_page_loads_nothing_from_elsewhere() -> None:
    template = ini(recorded())["security"]["content_security_policy_template"]
    directives = dict(part.split(" ", 1) for part in template.rstrip(";").split(";"))
    assert "$NONCE" in directives["script-src"], "only scripts that the server marked run"
    assert directives["connect-src"] == "'self' wss://$ROOT_PATH", "live updates, encrypted"
    assert directives["object-src"] == directives["frame-ancestors"] == "'none'"
    for directive, sources in directives.items():
        assert not set(sources.split()) & {"*", "http:", "https:", "grafana.com"}, directive


def test_plain_http_is_admitted_to_where_there_is_no_tls() -> None:
    security = ini(recorded("dev"))["security"]
    assert security["cookie_secure"] == security["strict_transport_security"] == "false", "else nobody could log in"
    assert "ws://$ROOT_PATH" in security["content_security_policy_template"]


def test_secrets_are_files_that_a_mount_has() -> None:
    recorder = recorded(grafana={**EVERYTHING, "adminPasswordSecret": "adminPassword"}, secrets=("adminPassword",))
    read = {
        value
        for keys in ini(recorder).values()
        for key, value in keys.items()
        if key in {"password", "admin_password", "secret_key", "client_secret"}
    }
    (mount,) = [mount for mount in container(recorder)["volumeMounts"] if mount["name"] == "secrets"]
    (volume,) = [
        volume for volume in deployment(recorder)["spec"]["template"]["spec"]["volumes"] if volume["name"] == "secrets"
    ]
    present = {made["metadata"]["name"]: set(made["data"]) for made in objects(recorder).values() if "data" in made}
    files = set()
    for source in volume["projected"]["sources"]:
        secret = source["secret"]
        files |= {item["path"] for item in secret["items"]} if "items" in secret else present[secret["name"]]
    assert read == {
        f"$__file{{{mount['mountPath']}/{file}}}"
        for file in ("admin-password", "secret-key", "database-password", "oidc-client-secret", "smtp-password")
    }, "no secret stands in a ConfigMap"
    assert {value.removeprefix(f"$__file{{{mount['mountPath']}/").removesuffix("}") for value in read} <= files
    assert mount["readOnly"] is True


def test_an_ini_value_reads_back_as_it_was_given() -> None:
    values: config.Section = {
        "plain": "grafana.example.com:3000",
        "comment": "a # b ; c",
        "quoted": "'Admin'",
        "jmespath": "contains(groups[*], 'admins') && 'Admin' || `null`",
        "on": True,
        "number": 3,
    }
    read = parsed(config.ini({"section": values}))["section"]
    assert read == {**values, "on": "true", "number": "3"}
    assert 'comment = """a # b ; c"""' in config.ini({"section": values}), "bare, Grafana would cut it at the #"


@pytest.mark.parametrize("value", ["a\nadmin_password = b", 'a"""b', "a\rb"])
def test_a_value_cannot_become_another_line(value: str) -> None:
    with pytest.raises(ValueError, match="no value of an ini file"):
        config.ini({"section": {"key": value}})


@pytest.mark.parametrize(
    ("url", "root", "sub_path"),
    [
        ("https://grafana.example.com", "https://grafana.example.com/", "false"),
        ("https://example.com/grafana/", "https://example.com/grafana/", "true"),
    ],
)
def test_links_lead_to_where_people_are(url: str, root: str, sub_path: str) -> None:
    host = url.split("/")[2]
    recorder = recorded(grafana={"url": url, "ingress": {"host": host, "tls": {"secretName": "tls"}}})
    server = ini(recorder)["server"]
    assert (server["root_url"], server["serve_from_sub_path"]) == (root, sub_path)


def test_behind_a_sub_path_nothing_inside_the_cluster_is_redirected_outside() -> None:
    url = "https://example.com/grafana"
    recorder = recorded(grafana={"url": url, "ingress": {"host": "example.com", "tls": {}}})
    main = container(recorder)
    assert main["livenessProbe"]["httpGet"]["path"] == "/grafana/healthz", "a probe takes a redirect for health"
    assert main["readinessProbe"]["httpGet"]["path"] == "/grafana/api/health"
    assert (
        "metrics_path: /grafana/metrics"
        in render.config_files(render.manifests(recorder))["prometheus/scrape/grafana.yml"]
    )


def test_login_through_a_provider_uses_pkce_and_says_who_may_do_what() -> None:
    oauth = ini(recorded(grafana=EVERYTHING))["auth.generic_oauth"]
    assert oauth["use_pkce"] == oauth["enabled"] == "true"
    assert oauth["role_attribute_path"] == OIDC["roleAttributePath"]
    assert oauth["role_attribute_strict"] == "true", "whom the path gives no role may not log in"
    assert oauth["allow_assign_grafana_admin"] == "false", "a claim makes nobody the server's administrator"
    assert oauth["allowed_domains"] == "example.com example.org"
    assert oauth["scopes"] == "openid profile email"


def test_mail_is_encrypted_unless_a_stack_file_says_otherwise() -> None:
    assert ini(recorded(grafana=EVERYTHING))["smtp"]["startTLS_policy"] == "MandatoryStartTLS"
    assert ini(recorded())["smtp"] == {"enabled": "false"}


@pytest.mark.parametrize(
    ("more", "greeting"), [({}, "example.com"), ({"hello": "mail.cluster.example.com"}, "mail.cluster.example.com")]
)
def test_a_mail_server_is_greeted_by_a_full_name(more: dict[str, str], greeting: str) -> None:
    smtp = ini(recorded(grafana={"smtp": {**SMTP, **more}}))["smtp"]
    assert smtp["ehlo_identity"] == greeting, "relays refuse the name of a pod"


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
    again = resources(_recorded.__wrapped__("prod", None, ()))
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
