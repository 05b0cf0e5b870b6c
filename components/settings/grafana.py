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
# An Ingress takes no IP address as host. The last label of a name is never a number.
IngressHost = Annotated[str, Spelled(rf"(?!.*(^|\.)[0-9]+$){_HOST}", "a DNS name like grafana.example.com")]
Scope = Annotated[str, Spelled(r"[^\s,;#\"'`$%]+", "one scope, without spaces")]
# grafana.ini expands ${...}, $__file{...} and %(...)s anywhere. A name must not read a file by accident.
IniText = Annotated[
    str,
    Spelled(
        r'(?!.*("""|\$\{|\$__|%\())[^\s]([^\r\n]*[^\s])?',
        'one line of text, without """ and without the beginnings of a variable: ${, $__ and %(',
    ),
]


def _known_to_pulumi(secret: Secret) -> Secret:
    if isinstance(secret, ExistingSecret):
        expected = "the name of a top-level secret of this stack: Pulumi uses it, and cannot read Kubernetes Secrets"
        raise PydanticCustomError("secret", "{expected}", {"expected": expected})
    return secret


def _with_openid(scopes: tuple[str, ...]) -> tuple[str, ...]:
    if "openid" not in scopes:
        raise PydanticCustomError("openid", "scopes that include openid: without it there is no login")
    return scopes


PulumiSecret = Annotated[Secret, AfterValidator(_known_to_pulumi)]


class External(Model):
    """An existing Grafana, such as Grafana Cloud or one for several clusters. The stack deploys none."""

    url: Url
    """URL by which Pulumi reaches it."""
    token_secret: PulumiSecret
    """Top-level secret of the stack with the token of a service account that has the role Admin."""


class Sqlite(Model):
    """SQLite on a volume of the stack; for one replica."""

    storage: Bytes | None = Bytes.parse("5Gi")
    """Size of the volume, which keeps users, preferences, annotations and alert state. With null, all of it is lost
    with the pod."""


class Postgres(Model):
    """An existing PostgreSQL. Grafana creates its tables itself."""

    host: Host
    """Host name."""
    port: Port = 5432
    """Port."""
    name: IniText = "grafana"
    """Name of the database."""
    user: IniText = "grafana"
    """Role that owns it."""
    password_secret: Secret
    """Secret with the role's password."""
    ssl_mode: Literal["disable", "require", "verify-full"] = "verify-full"
    """TLS of the connection: none, encryption, or encryption with a certificate that is valid for the host."""
    ca_secret: Secret | None = None
    """Secret with the server's certificate authority, PEM. By default, the system's authorities are used."""


class Database(Model):
    """Grafana's database: SQLite or PostgreSQL."""

    sqlite: Sqlite | None = None
    """SQLite on a volume."""
    postgres: Postgres | None = None
    """A PostgreSQL server. More than one replica needs it."""

    @model_validator(mode="after")
    def _one_of_both(self) -> Self:
        if (self.sqlite is None) == (self.postgres is None):
            raise ValueError("sqlite or postgres: exactly one of them")
        return self


class Oidc(Model):
    """Login through an OpenID Connect provider, with PKCE."""

    name: IniText = "SSO"
    """Text of the button on the login page."""
    client_id: IniText
    """Id of the client that is registered for Grafana. Its redirect URI is `<url>/login/generic_oauth`."""
    client_secret_secret: Secret
    """Secret with the client secret."""
    auth_url: Url
    """Authorization endpoint."""
    token_url: Url
    """Token endpoint."""
    api_url: Url
    """Userinfo endpoint."""
    scopes: Annotated[Many[Scope], AfterValidator(_with_openid)] = ("openid", "profile", "email")
    """Scopes that Grafana requests. Add the scope for groups if roles depend on groups."""
    role_attribute_path: IniText | None = None
    """JMESPath over the claims that returns Viewer, Editor or Admin. A user without a result may not log in. By
    default, everyone is a Viewer."""
    allowed_domains: Many[Host] = ()
    """Email domains whose users may log in. When empty, every user of the provider may."""


class Smtp(Model):
    """A mail server, for invitations and for notifications that Grafana sends itself."""

    host: HostPort
    """Server and port. Port 465 uses implicit TLS, which Grafana supports on no other port."""
    hello: HostName | None = None
    """Name in the EHLO command. The default is the domain of `fromAddress`, since relays refuse a pod's name."""
    user: IniText | None = None
    """User name. Without it, the client does not log in."""
    password_secret: Secret | None = None
    """Secret with the password."""
    from_address: Annotated[str, Spelled(r"[^\s@\"'`$%;#<>]+@[^\s@\"'`$%;#<>]+", "a mail address")]
    """Sender's address."""
    from_name: IniText = "Grafana"
    """Sender's name."""
    start_tls: Literal["mandatory", "opportunistic", "never"] = "mandatory"
    """STARTTLS: always, if the server offers it, or never."""

    @model_validator(mode="after")
    def _whole_login(self) -> Self:
        if (self.user is None) != (self.password_secret is None):
            raise ValueError("user and passwordSecret belong together: give both or none")
        return self

    @property
    def greeting(self) -> str:
        """The name in the EHLO command."""
        return self.hello or self.from_address.rpartition("@")[2]


class IngressTls(Model):
    """TLS that ends at the ingress controller."""

    secret_name: DnsName | None = None
    """Kubernetes Secret with certificate and key, in cert-manager's form. Leave it out if the controller has its own
    certificate."""


class IngressController(Model):
    """The ingress controller, for the NetworkPolicy."""

    namespace: DnsLabel | None = None
    """Namespace of the controller's pods. By default, pods of every namespace and the nodes may connect."""
    labels: dict[QualifiedName, LabelValue] = {}
    """Labels of the controller's pods."""
    addresses: Many[Cidr] = ()
    """Addresses of load balancers that connect to Grafana's pods directly."""


class Ingress(Model):
    """Grafana behind the cluster's ingress controller."""

    host: IngressHost
    """Host name. It must be the host of `url`."""
    class_name: DnsName | None = None
    """IngressClass. The default is the cluster's."""
    tls: IngressTls | None = None
    """TLS. Production needs it."""
    annotations: Annotations = {}
    """Annotations of the Ingress, such as `cert-manager.io/cluster-issuer`."""
    controller: IngressController = IngressController()
    """The ingress controller, whose connections the NetworkPolicy allows."""


class NodePort(Model):
    """Grafana on a port of every node, in plain HTTP, for local clusters such as kind."""

    node_port: Annotated[int, Ge(30000), Le(32767)]
    """Port on every node."""


class GrafanaSettings(Workload):
    """Grafana: dashboards, exploration and alerts on logs."""

    external: External | None = None
    """Use an existing Grafana and deploy none. No other key of this section is allowed with it."""
    url: Url = Url("http://localhost:3000")
    """URL by which people and Pulumi reach Grafana. The default is the local end of a port-forward."""
    replicas: Annotated[int, Ge(1), Le(5)] = 1
    """Number of identical servers on one database."""
    resources: Resources = resources("100m", "512Mi", "1536Mi")
    """Requests and limits. Each datasource type runs in its own process of about 30 MiB."""
    database: Database = Database(sqlite=Sqlite())
    """Grafana's database."""
    admin_password_secret: Secret | None = None
    """Secret with the password of `admin`. By default, the first `pulumi up` generates it. Grafana reads it only when
    it creates the database, so change the password in Grafana first."""
    secret_key_secret: Secret | None = None
    """Secret with the key that encrypts secrets in the database. By default, it is generated. After a change of the key
    Grafana cannot read them any more."""
    token_secret: PulumiSecret | None = None
    """Top-level secret of the stack with the service account token that Pulumi uses. By default, Pulumi logs in as
    `admin`, which needs a password that Pulumi knows."""
    oidc: Oidc | None = None
    """Login through an OpenID Connect provider. By default, only the local `admin` can log in."""
    smtp: Smtp | None = None
    """Mail server. By default, Grafana sends no mail."""
    ingress: Ingress | None = None
    """Ingress, for access from outside the cluster."""
    service: NodePort | None = None
    """NodePort, for a local cluster."""
    log_level: LogLevel = "info"
    """Lowest level of the server's own log lines."""

    @property
    def address(self) -> Url:
        """The URL of Grafana, deployed or external."""
        return self.external.url if self.external else self.url

    @property
    def path(self) -> str:
        """The path prefix of the server: empty, or like ``/grafana``."""
        return self.url.path.rstrip("/")


def external_stands_alone(grafana: GrafanaSettings) -> Iterator[Problem]:
    if grafana.external is None:
        return
    for field in sorted(grafana.model_fields_set - {"external"}):
        alias = type(grafana).model_fields[field].alias or field
        yield f"grafana.{alias}: not allowed with external: the stack deploys no Grafana then"


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
"""Checks across sections; each names the sections that it reads."""
