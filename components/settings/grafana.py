"""Grafana, as a stack file describes it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Literal, Self

from annotated_types import Ge, Le
from pydantic import AfterValidator, model_validator
from pydantic_core import PydanticCustomError

from model.cluster import ClusterSettings
from model.quantities import Bytes, Cidr, HostPort, Url
from model.settings import (
    Annotations,
    DnsLabel,
    DnsName,
    ExistingSecret,
    HostName,
    LabelValue,
    LogLevel,
    Many,
    Model,
    Port,
    Problem,
    QualifiedName,
    Resources,
    Secret,
    Spelled,
    Workload,
    problem,
    resources,
)

_LABEL = r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?"
_HOST = rf"(?=.{{1,253}}$){_LABEL}(\.{_LABEL})*"
Host = Annotated[str, Spelled(_HOST, "a DNS name like grafana.example.com")]
# An Ingress has no addresses for hosts: the last label of a name is never a number.
IngressHost = Annotated[str, Spelled(rf"(?!.*(^|\.)[0-9]+$){_HOST}", "a DNS name like grafana.example.com")]
Scope = Annotated[str, Spelled(r"[^\s,;#\"'`$%]+", "one scope, without spaces")]
# grafana.ini expands ${...}, $__file{...} and %(...)s wherever they stand: a name must not read a file by accident.
IniText = Annotated[
    str,
    Spelled(
        r'(?!.*("""|\$\{|\$__|%\())[^\s]([^\r\n]*[^\s])?',
        'one line of text, without """ and without the beginnings of a variable: ${, $__ and %(',
    ),
]


def _known_to_pulumi(secret: Secret) -> Secret:
    if isinstance(secret, ExistingSecret):
        expected = "the name of a top-level secret of this stack: Pulumi itself uses it, and reads no Kubernetes Secret"
        raise PydanticCustomError("secret", "{expected}", {"expected": expected})
    return secret


def _with_openid(scopes: tuple[str, ...]) -> tuple[str, ...]:
    if "openid" not in scopes:
        raise PydanticCustomError("openid", "scopes with openid, which makes it a login")
    return scopes


PulumiSecret = Annotated[Secret, AfterValidator(_known_to_pulumi)]


class External(Model):
    """A Grafana that is there already (Grafana Cloud, one for several clusters): none is deployed."""

    url: Url
    """Where Pulumi reaches it."""
    token_secret: PulumiSecret
    """Where the token of a service account with the role Admin comes from: a top-level secret of the stack."""


class Sqlite(Model):
    """One file on a volume of our own; for one replica."""

    storage: Bytes | None = Bytes.parse("5Gi")
    """Size of the volume (users, preferences, annotations, alert state); null forgets all of it with the pod."""


class Postgres(Model):
    """A PostgreSQL that is there already; Grafana makes its tables itself."""

    host: Host
    """Host name."""
    port: Port = 5432
    """Port."""
    name: IniText = "grafana"
    """Name of the database."""
    user: IniText = "grafana"
    """Role that owns it."""
    password_secret: Secret
    """Where the role's password comes from."""
    ssl_mode: Literal["disable", "require", "verify-full"] = "verify-full"
    """What the connection demands: nothing, encryption, or a certificate that is valid for the host."""
    ca_secret: Secret | None = None
    """Certificate authority of the server, PEM; the system's when not given."""


class Database(Model):
    """Where Grafana keeps what is made in it: one of the two."""

    sqlite: Sqlite | None = None
    """A file on a volume."""
    postgres: Postgres | None = None
    """A PostgreSQL server; more than one replica needs it."""

    @model_validator(mode="after")
    def _one_of_both(self) -> Self:
        if (self.sqlite is None) == (self.postgres is None):
            raise ValueError("sqlite or postgres: exactly one of them")
        return self


class Oidc(Model):
    """Login through an OpenID Connect provider, with PKCE."""

    name: IniText = "SSO"
    """What the button on the login page says."""
    client_id: IniText
    """Client that was registered for Grafana; its redirect URI is `<url>/login/generic_oauth`."""
    client_secret_secret: Secret
    """Where the client's secret comes from."""
    auth_url: Url
    """Authorization endpoint."""
    token_url: Url
    """Token endpoint."""
    api_url: Url
    """Userinfo endpoint."""
    scopes: Annotated[Many[Scope], AfterValidator(_with_openid)] = ("openid", "profile", "email")
    """Scopes that are asked for; add the one that brings groups when roles come from them."""
    role_attribute_path: IniText | None = None
    """JMESPath over the claims that gives Viewer, Editor or Admin, and who gets none may not log in; everyone is a
    Viewer when not given."""
    allowed_domains: Many[Host] = ()
    """Domains of mail addresses that may log in; all that the provider knows when empty."""


class Smtp(Model):
    """A mail server, for invitations and for alerts that Grafana sends itself."""

    host: HostPort
    """Server and port; on port 465 TLS comes first, which Grafana can on no other."""
    hello: HostName | None = None
    """Name by which it greets the server; the domain of `fromAddress` when not given, since relays refuse a pod's."""
    user: IniText | None = None
    """User name; none logs in without."""
    password_secret: Secret | None = None
    """Where the password comes from."""
    from_address: Annotated[str, Spelled(r"[^\s@\"'`$%;#<>]+@[^\s@\"'`$%;#<>]+", "a mail address")]
    """Sender's address."""
    from_name: IniText = "Grafana"
    """Sender's name."""
    start_tls: Literal["mandatory", "opportunistic", "never"] = "mandatory"
    """Whether the connection is encrypted after its start: always, if the server can, or not."""

    @model_validator(mode="after")
    def _whole_login(self) -> Self:
        if (self.user is None) != (self.password_secret is None):
            raise ValueError("user and passwordSecret belong together: give both or none")
        return self

    @property
    def greeting(self) -> str:
        """The name by which it greets the server."""
        return self.hello or self.from_address.rpartition("@")[2]


class IngressTls(Model):
    """TLS that ends at the ingress controller."""

    secret_name: DnsName | None = None
    """Kubernetes Secret with certificate and key, as cert-manager keeps it; none when the controller has its own."""


class IngressController(Model):
    """Who may open connections to Grafana."""

    namespace: DnsLabel | None = None
    """Namespace of the controller's pods; pods of every namespace, and the nodes, when not given."""
    labels: dict[QualifiedName, LabelValue] = {}
    """Labels of its pods."""
    addresses: Many[Cidr] = ()
    """Addresses of load balancers that reach pods directly, when it is not pods that forward."""


class Ingress(Model):
    """Grafana behind the cluster's ingress controller."""

    host: IngressHost
    """Host name; also that of `url`."""
    class_name: DnsName | None = None
    """IngressClass; the cluster's default when not given."""
    tls: IngressTls | None = None
    """TLS; production needs it."""
    annotations: Annotations = {}
    """Annotations of the Ingress, such as `cert-manager.io/cluster-issuer`."""
    controller: IngressController = IngressController()
    """Whose connections the NetworkPolicy allows."""


class NodePort(Model):
    """Grafana on a port of every node, in plain HTTP: for kind and the like."""

    node_port: Annotated[int, Ge(30000), Le(32767)]
    """The port."""


class GrafanaSettings(Workload):
    """Where people look."""

    external: External | None = None
    """Use this one, and deploy none; nothing else of this section then."""
    url: Url = Url("http://localhost:3000")
    """Where people and Pulumi reach it; by default the end of a port-forward."""
    replicas: Annotated[int, Ge(1), Le(5)] = 1
    """Identical servers on one database."""
    resources: Resources = resources("100m", "512Mi", "1536Mi")
    """Requests and limits; each datasource type is a process of its own, some 30 MiB each."""
    database: Database = Database(sqlite=Sqlite())
    """Where it keeps what is made in it."""
    admin_password_secret: Secret | None = None
    """Where the password of `admin` comes from; generated at the first `pulumi up` when not given. Read when the
    database is made, and never again: change it in Grafana first."""
    secret_key_secret: Secret | None = None
    """Where the key that encrypts secrets in the database comes from; generated when not given. With another key they
    cannot be read any more."""
    token_secret: PulumiSecret | None = None
    """Where the service account token that Pulumi fills Grafana with comes from: a top-level secret of the stack;
    Pulumi logs in as `admin` when not given, which needs a password that it knows."""
    oidc: Oidc | None = None
    """Login through an OpenID Connect provider; only the local `admin` when not given."""
    smtp: Smtp | None = None
    """Mail; none is sent when not given."""
    ingress: Ingress | None = None
    """How people reach it from outside the cluster."""
    service: NodePort | None = None
    """How people reach it on a laptop's cluster."""
    log_level: LogLevel = "info"
    """Least severe log line that is written."""

    @property
    def address(self) -> Url:
        """Where it is reached, whoever runs it."""
        return self.external.url if self.external else self.url

    @property
    def path(self) -> str:
        """Where the server's own paths begin: empty, or like ``/grafana``."""
        return self.url.path.rstrip("/")


def external_stands_alone(grafana: GrafanaSettings) -> Iterator[Problem]:
    if grafana.external is None:
        return
    for field in sorted(grafana.model_fields_set - {"external"}):
        alias = type(grafana).model_fields[field].alias or field
        yield f"grafana.{alias}: not together with external: that Grafana is used as it is, and none is deployed"


def replicas_share_a_database(grafana: GrafanaSettings) -> Iterator[Problem]:
    if grafana.external is None and grafana.replicas > 1 and grafana.database.sqlite is not None:
        yield problem(
            "grafana.replicas",
            grafana.replicas,
            "1 with SQLite, since two servers cannot share its file; more need database.postgres",
        )


def url_is_where_it_is_served(grafana: GrafanaSettings) -> Iterator[Problem]:
    if grafana.external:
        return
    url, ingress = grafana.url, grafana.ingress
    if any(mark in str(url) for mark in "?#"):
        yield problem("grafana.url", str(url), "a URL without ? and #: pages are appended to it")
    if ingress is None:
        return
    if url.host != ingress.host:
        yield problem("grafana.url", str(url), f"a URL of {ingress.host}, the host of the ingress")
    scheme = "https" if ingress.tls else "http"
    if url.scheme != scheme:
        why = "which the ingress has TLS for" if ingress.tls else "since the ingress has no TLS"
        yield problem("grafana.url", str(url), f"a URL that begins with {scheme}://, {why}")


def production_grafana_is_private(cluster: ClusterSettings, grafana: GrafanaSettings) -> Iterator[Problem]:
    if not cluster.is_production:
        return
    if grafana.external:
        if grafana.external.url.scheme != "https":
            reason = "https: in production the token must not travel in plain"
            yield problem("grafana.external.url", str(grafana.external.url), reason)
        return
    if grafana.ingress and grafana.ingress.tls is None:
        yield problem("grafana.ingress.tls", None, "TLS: in production no password and no session travels in plain")
    if grafana.service:
        reason = "ingress with TLS instead: in production a port of every node would open a login in plain HTTP"
        yield problem("grafana.service.nodePort", grafana.service.node_port, reason)
    if grafana.database.sqlite and grafana.database.sqlite.storage is None:
        reason = "a size: in production nothing may be lost when a pod moves"
        yield problem("grafana.database.sqlite.storage", None, reason)


CHECKS = (
    external_stands_alone,
    replicas_share_a_database,
    url_is_where_it_is_served,
    production_grafana_is_private,
)
"""What must hold together; each check names the sections it reads."""
