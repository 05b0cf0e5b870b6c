"""A hosted project and a self-hosted Auth, fakes that answer the recorded samples, scraped by a real Prometheus."""

from __future__ import annotations

import base64
import threading
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from rules.supabase import SYSTEM
from rules.supabase.scrape import PREFIX, metrics
from tests.servers.exposition import difference, exposition
from tests.servers.stores import Watching, stack, watching
from tests.test_expositions import FOLDER
from tools.local.certificate import Certificate
from tools.local.certificate import made as certificate
from tools.local.control_plane import ControlPlane
from tools.local.harness import Process, free_port, http_text
from tools.servers.find import binary

WORD = "planted-word-Sb93"
REF = "abcdefghijklmnopqrst"
SETTINGS = {
    "projects": {
        "shop": {"ref": REF, "keySecret": {"name": "theirs", "key": "key"}},
        "own": {"auth": {"address": "auth.supabase.svc:9100"}},
    }
}
OF_OTHERS = "go_goroutines 9\npromhttp_metric_handler_requests_total 4\n"


@dataclass
class Fake:
    """An endpoint of metrics, at one path, with a login or without one."""

    text: str
    path: str
    login: str = ""
    changes: dict[str, str] = field(default_factory=dict)
    """Lines that are answered in place of others."""

    def body(self) -> bytes:
        lines = (self.changes.get(line, line) for line in (self.text + OF_OTHERS).splitlines())
        return "".join(f"{line}\n" for line in lines).encode()

    @contextmanager
    def running(self, trusted: Certificate | None = None) -> Iterator[str]:
        """Its address; over TLS if it has a certificate."""
        fake = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                sent = self.headers.get("Authorization", "")
                status = 404 if self.path != fake.path else 200 if sent == fake.login else 401
                self.send_response(status)
                self.send_header("Content-Type", "text/plain; version=0.0.4")
                self.end_headers()
                if status == 200:
                    self.wfile.write(fake.body())

            def log_message(self, *_: object) -> None:
                pass

        with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
            if trusted:
                server.socket = trusted.context.wrap_socket(server.socket, server_side=True)
            threading.Thread(target=server.serve_forever, daemon=True).start()
            yield f"127.0.0.1:{server.server_port}"
            server.shutdown()


def sample(job: str) -> str:
    """What a job gets, under the names that the endpoint itself gives it."""
    recorded = (FOLDER / f"{job}.txt").read_text(encoding="utf-8")
    return recorded.replace(f"# TYPE {PREFIX}", "# TYPE ").replace(f"\n{PREFIX}", "\n")


@dataclass(frozen=True)
class Supabase:
    hosted: Fake
    watch: Watching

    @contextmanager
    def with_changes(self, changes: Mapping[str, str]) -> Iterator[None]:
        self.hosted.changes.update(changes)
        yield
        self.hosted.changes.clear()
        self.watch.fires()


@pytest.fixture(scope="module")
def supabase(control_plane: ControlPlane, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Supabase]:
    home = tmp_path_factory.mktemp("supabase")
    made, trusted = stack(home, SYSTEM, SETTINGS, {}), certificate(home)
    (jobs,) = (each["data"] for each in made.of_kind("ConfigMap") if "supabase-hosted-shop.yml" in each["data"])
    for slow in ("scrape_interval: 1m", "scrape_timeout: 30s"):  # nobody waits so long here
        assert slow in jobs["supabase-hosted-shop.yml"]
        jobs["supabase-hosted-shop.yml"] = jobs["supabase-hosted-shop.yml"].replace(slow, f"{slow.split()[0]} 3s")
    login = "Basic " + base64.b64encode(f"service_role:{WORD}".encode()).decode()
    hosted = Fake(sample("supabase-hosted-shop"), "/customer/v1/privileged/metrics", login)
    with ExitStack() as running, pytest.MonkeyPatch.context() as patched:
        patched.setenv("SSL_CERT_FILE", str(trusted.public))  # the authorities of Prometheus's system
        addresses = {
            f"{REF}.supabase.co:443": running.enter_context(hosted.running(trusted)),
            "auth.supabase.svc:9100": running.enter_context(Fake(sample("supabase-auth-own"), "/metrics").running()),
        }
        planted = {"supabase-hosted-shop.key": WORD}
        watch = running.enter_context(
            watching(made, home, control_plane, "supabase-.+", {}, addresses=addresses, planted=planted)
        )
        yield Supabase(hosted, watch)


def test_a_project_that_is_well_notifies_nobody_and_has_names_of_its_own(supabase: Supabase) -> None:
    supabase.watch.fires()
    assert supabase.watch.value('supabase_pg_up{instance="shop"}') == 1
    assert supabase.watch.value('count({job=~"supabase-.+", __name__=~"(node|pg|pgrst|http|go|promhttp)_.+"})') is None
    assert supabase.watch.value('count({instance="own", __name__=~"supabase_.+"})') == 6


def test_a_database_that_is_down_pages_once_and_as_supabase_alone(supabase: Supabase) -> None:
    well = f'pg_up{{supabase_project_ref="{REF}"}} 1'
    with supabase.with_changes({well: well.replace("} 1", "} 0")}):
        supabase.watch.fires(("SupabaseDown", "critical", "shop"))
        supabase.watch.notifies(("SupabaseDown", "critical", "shop"))


def test_a_key_that_is_refused_is_a_ticket(supabase: Supabase) -> None:
    login, supabase.hosted.login = supabase.hosted.login, "another"
    supabase.watch.fires(("SupabaseMetricsGone", "warning", "shop"))
    supabase.hosted.login = login
    supabase.watch.fires()


def test_postgrest_exposes_the_metrics_that_rules_and_panels_ask_for(tmp_path: Path) -> None:
    program, port = binary("postgrest"), free_port()
    given = {
        "PGRST_DB_URI": "postgres://nobody@127.0.0.1:1/none",
        "PGRST_SERVER_PORT": str(free_port()),
        "PGRST_ADMIN_SERVER_PORT": str(port),
    }
    with Process([program], log=tmp_path / "log", env=given) as process:
        found = process.ready(lambda: exposition(http_text(f"http://127.0.0.1:{port}/metrics")))
    asked = (replace(metric, name=metric.name.removeprefix(PREFIX)) for metric in metrics("supabase-rest-own"))
    assert [wrong for metric in asked if (wrong := difference(metric, found))] == []
