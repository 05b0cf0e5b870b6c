"""Grafana's configuration. Pure: values in, texts out."""

from __future__ import annotations

import re
from collections.abc import Mapping

from components.settings.grafana import GrafanaSettings, Oidc, Postgres, Smtp
from model import ports, servers
from model.cluster import ClusterSettings
from model.settings import ExistingSecret, Secret

NAME = servers.GRAFANA.name
SECRETS = "/etc/grafana/secrets"
DATA = "/var/lib/grafana"

ADMIN = "admin"
ADMIN_PASSWORD = "admin-password"  # noqa: S105  a file's name
SECRET_KEY = "secret-key"  # noqa: S105  a file's name
DATABASE_PASSWORD = "database-password"  # noqa: S105  a file's name
DATABASE_CA = "database-ca"
OIDC_SECRET = "oidc-client-secret"  # noqa: S105  a file's name
SMTP_PASSWORD = "smtp-password"  # noqa: S105  a file's name

# A year, as browsers' preload lists require, so that no browser forgets it between visits.
HSTS_SECONDS = 365 * 24 * 3600
# After this time a peer that left is forgotten: pods get new addresses, and retries of old ones only fill logs.
RECONNECT = "2m"

Section = Mapping[str, str | int | bool]


def files(settings: GrafanaSettings, cluster: ClusterSettings) -> dict[str, dict[str, str]]:
    """The files below ``/etc/grafana``: directory to file name to text."""
    return {"config": {"grafana.ini": ini(sections(settings, cluster))}}


def sections(settings: GrafanaSettings, cluster: ClusterSettings) -> dict[str, Section]:
    """``grafana.ini`` as data, section to keys. All other keys have Grafana's defaults, which were reviewed."""
    return {
        "server": {
            "http_port": ports.GRAFANA,
            "root_url": f"{str(settings.url).rstrip('/')}/",
            "serve_from_sub_path": bool(settings.path),
            "enable_gzip": True,
        },
        # The image's own paths, set here so that they agree with the mounts.
        "paths": {"data": DATA, "plugins": f"{DATA}/plugins"},
        "database": _database(settings),
        "security": _security(settings),
        "users": {"allow_sign_up": False, "allow_org_create": False, "auto_assign_org_role": "Viewer"},
        "auth": {"oauth_allow_insecure_email_lookup": False},
        # A login is required, and the version is hidden from everyone without one.
        "auth.anonymous": {"enabled": False, "hide_version": True},
        **({"auth.generic_oauth": _oidc(settings.oidc)} if settings.oidc else {}),
        "smtp": _smtp(settings.smtp) if settings.smtp else {"enabled": False},
        # Otherwise a value with a quote that is chosen on a dashboard breaks the queries of its panels.
        "feature_toggles": {"enable": "prometheusSpecialCharsInLabelValues"},
        # A range of 30 days that is asked every 5 seconds keeps Prometheus busy with nothing else.
        "dashboards": {"min_refresh_interval": "30s"},
        "snapshots": {"external_enabled": False, "public_mode": False},
        "public_dashboards": {"enabled": False},
        "analytics": {
            "reporting_enabled": False,
            "check_for_updates": False,
            "check_for_plugin_updates": False,
            "feedback_links_enabled": False,
        },
        "news": {"news_feed_enabled": False},
        # Grafana runs only what the image contains. The installer, on by default, would stop a bundled datasource to
        # update it, fail on the read-only root, and leave it stopped (grafana/grafana#132528).
        "plugins": {
            "plugin_admin_enabled": False,
            "preinstall_disabled": True,
            "preinstall_auto_update": False,
            "public_key_retrieval_disabled": True,
        },
        "log": {"mode": "console", "level": settings.log_level},
        "log.console": {"format": "json"},
        "metrics": {"enabled": True},
        "unified_alerting": {"enabled": True, **(_peers(cluster) if settings.replicas > 1 else {})},
    }


def _database(settings: GrafanaSettings) -> Section:
    if settings.database.postgres:
        return _postgres(settings.database.postgres)
    # With a write-ahead log readers do not wait for a writer: Pulumi creates many objects at once.
    return {"type": "sqlite3", "path": "grafana.db", "wal": True}


def _postgres(database: Postgres) -> Section:
    return {
        "type": "postgres",
        "host": f"{database.host}:{database.port}",
        "name": database.name,
        "user": database.user,
        "password": _file(DATABASE_PASSWORD),
        "ssl_mode": database.ssl_mode,
        **({"ca_cert_path": f"{SECRETS}/{DATABASE_CA}"} if database.ca_secret else {}),
    }


def _security(settings: GrafanaSettings) -> Section:
    served_by_tls = settings.url.scheme == "https"
    return {
        "disable_initial_admin_creation": False,
        "admin_user": ADMIN,
        "admin_password": _file(ADMIN_PASSWORD),
        "secret_key": _file(SECRET_KEY),
        "disable_gravatar": True,
        "disable_brute_force_login_protection": False,
        "cookie_secure": served_by_tls,
        # Strict would drop the session when an OIDC provider redirects back.
        "cookie_samesite": "lax",
        "allow_embedding": False,
        "strict_transport_security": served_by_tls,
        "strict_transport_security_max_age_seconds": HSTS_SECONDS,
        "x_content_type_options": True,
        "content_security_policy": True,
        "content_security_policy_template": content_security_policy(served_by_tls=served_by_tls),
    }


def content_security_policy(*, served_by_tls: bool) -> str:
    """Content security policy: Grafana's own needs, and nothing from other hosts."""
    live = "wss" if served_by_tls else "ws"
    policy = {
        "default-src": "'self'",
        # Panels evaluate expressions. Only scripts that the server marked, and scripts that those load, run at all.
        "script-src": "'self' 'unsafe-eval' 'unsafe-inline' 'strict-dynamic' $NONCE",
        "style-src": "'self' 'unsafe-inline' blob:",
        "font-src": "'self'",
        # An image from another host in a text panel would tell that host who views it, and when.
        "img-src": "'self' data: blob:",
        "connect-src": f"'self' {live}://$ROOT_PATH",
        "worker-src": "'self' blob:",
        "manifest-src": "'self'",
        "object-src": "'none'",
        "media-src": "'none'",
        "base-uri": "'self'",
        "form-action": "'self'",
        "frame-ancestors": "'none'",
    }
    return "".join(f"{directive} {sources};" for directive, sources in policy.items())


def _oidc(oidc: Oidc) -> Section:
    return {
        "enabled": True,
        "name": oidc.name,
        # Every user of the provider gets an account: without it, nobody could log in for the first time.
        "allow_sign_up": True,
        "client_id": oidc.client_id,
        "client_secret": _file(OIDC_SECRET),
        "scopes": " ".join(oidc.scopes),
        "auth_url": str(oidc.auth_url),
        "token_url": str(oidc.token_url),
        "api_url": str(oidc.api_url),
        "use_pkce": True,
        "allow_assign_grafana_admin": False,
        **(
            {"role_attribute_path": oidc.role_attribute_path, "role_attribute_strict": True}
            if oidc.role_attribute_path
            else {}
        ),
        **({"allowed_domains": " ".join(oidc.allowed_domains)} if oidc.allowed_domains else {}),
    }


_START_TLS = {"mandatory": "MandatoryStartTLS", "opportunistic": "OpportunisticStartTLS", "never": "NoStartTLS"}


def _smtp(smtp: Smtp) -> Section:
    return {
        "enabled": True,
        "host": str(smtp.host),
        **({"user": smtp.user, "password": _file(SMTP_PASSWORD)} if smtp.user else {}),
        "from_address": smtp.from_address,
        "from_name": smtp.from_name,
        "ehlo_identity": smtp.greeting,
        "startTLS_policy": _START_TLS[smtp.start_tls],
        "skip_verify": False,
    }


def _peers(cluster: ClusterSettings) -> Section:
    """Replicas share the notifications that they have sent, so that one alert is notified once."""
    return {
        "ha_peers": f"{servers.GRAFANA.everyone(cluster.namespaces.stack)}:{ports.GRAFANA_GOSSIP}",
        "ha_listen_address": f"0.0.0.0:{ports.GRAFANA_GOSSIP}",
        # An IPv6 address needs brackets; an IPv4 address may have them.
        "ha_advertise_address": f"[${{POD_IP}}]:{ports.GRAFANA_GOSSIP}",
        "ha_reconnect_timeout": RECONNECT,
    }


def _file(name: str) -> str:
    return f"$__file{{{SECRETS}/{name}}}"


# Characters that every reader of ini files takes literally.
_PLAIN = re.compile(r"[A-Za-z0-9_./:@{}$*&|=+,()\[\] -]*")


def ini(plain: Mapping[str, Section]) -> str:
    """``plain`` as the text of an ini file; raises ValueError for a value that the format cannot hold."""
    blocks = [
        "\n".join([f"[{name}]", *(f"{key} = {_value(value)}" for key, value in keys.items())])
        for name, keys in plain.items()
    ]
    return "\n\n".join(blocks) + "\n"


def _value(value: str | int | bool) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    text = str(value)
    if "\n" in text or "\r" in text or '"""' in text:
        raise ValueError(f"no value of an ini file: {text!r}")
    # Without quotes, # or ; starts a comment; quotes around the whole value are removed.
    return text if _PLAIN.fullmatch(text) else f'"""{text}"""'


def secrets(settings: GrafanaSettings) -> dict[str, Secret]:
    """Secrets as files: file name below SECRETS to source. Generated ones are in the stack's Kubernetes Secrets."""
    postgres, oidc, smtp = settings.database.postgres, settings.oidc, settings.smtp
    sources: dict[str, Secret | None] = {
        ADMIN_PASSWORD: settings.admin_password_secret or generated(ADMIN_PASSWORD),
        SECRET_KEY: settings.secret_key_secret or generated(SECRET_KEY),
        DATABASE_PASSWORD: postgres.password_secret if postgres else None,
        DATABASE_CA: postgres.ca_secret if postgres else None,
        OIDC_SECRET: oidc.client_secret_secret if oidc else None,
        SMTP_PASSWORD: smtp.password_secret if smtp else None,
    }
    return {file: source for file, source in sources.items() if source is not None}


def generated(file: str) -> ExistingSecret:
    """The Kubernetes Secret of a generated secret."""
    return ExistingSecret(name=f"{NAME}-{file}", key=file)


def to_generate(settings: GrafanaSettings) -> tuple[str, ...]:
    """The files with generated secrets."""
    given = {ADMIN_PASSWORD: settings.admin_password_secret, SECRET_KEY: settings.secret_key_secret}
    return tuple(file for file, secret in given.items() if secret is None)
