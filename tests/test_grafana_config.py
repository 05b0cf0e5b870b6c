"""Grafana's configuration: what it promises."""

from __future__ import annotations

from typing import Any

import pytest

from components.grafana import config
from components.settings.grafana import GrafanaSettings
from tests.recorded_grafana import (
    CLUSTER,
    EVERYTHING,
    OIDC,
    SMTP,
    container,
    deployment,
    ini,
    objects,
    parsed,
    recorded,
)
from tools import render

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
    "dashboards": {"min_refresh_interval"},
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


@pytest.mark.parametrize("settings", [{}, EVERYTHING, {**EVERYTHING, "database": {"sqlite": {}}, "replicas": 1}])
def test_every_key_is_one_that_grafana_knows(settings: dict[str, Any]) -> None:
    for section, keys in config.sections(GrafanaSettings.model_validate(settings), CLUSTER).items():
        assert set(keys) <= DOCUMENTED[section], f"[{section}]: an unknown key is ignored without a word"


@pytest.mark.parametrize(
    ("section", "key", "value", "because"),
    [
        ("security", "cookie_secure", "true", "a session must not travel in plain"),
        ("dashboards", "min_refresh_interval", "30s", "30 days that are asked every 5 s keep Prometheus busy"),
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
