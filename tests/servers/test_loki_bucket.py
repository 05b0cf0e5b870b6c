"""Loki with its logs in a bucket: they are all there, signed, and outlive every disk of every replica."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml

from components.loki.config import NOBODY
from model import ports
from tests import stack_settings
from tools.local import bucket, certificate
from tools.local.bucket import Bucket
from tools.local.harness import Process, eventually, free_port, http_json, http_text
from tools.local.logs import Loki
from tools.local.rendered import Rendered, changed, render_text
from tools.local.stack_text import merged, stack_text

KEYS = {"AWS_ACCESS_KEY_ID": "AKIATEST", "AWS_SECRET_ACCESS_KEY": "never-on-the-wire"}
LABELS = {"cluster": "one", "namespace": "shop", "app": "bucket", "container": "main", "level": "info"}
REPLICAS = 3


def test_logs_go_to_the_bucket_signed_with_keys_from_the_environment(tmp_path: Path) -> None:
    keys = {"accessKeySecret": {"name": "bucket", "key": "id"}, "secretKeySecret": {"name": "bucket", "key": "secret"}}
    with bucket.running("logs") as store:
        s3 = {"bucket": store.name, "region": "eu-1", "endpoint": store.url, "pathStyle": True, **keys}
        stack = changed(tmp_path, changes={"loki": {"storage": {"filesystem": None, "s3": s3}}})
        server = Loki(stack, tmp_path / "home", planted=KEYS)
        with server.running():
            server.push(LABELS, [(time.time_ns(), "to the bucket")])
            http_text(f"{server.url}/flush", method="POST")
            eventually(
                lambda: any(key.startswith(f"{NOBODY}/") for key in store.objects()), 30, "a chunk in the bucket"
            )
            assert [entry.line for entry in server.entries('{app="bucket"}')] == ["to the bucket"]
            shown = http_text(f"{server.url}/config")

    signed = [each for each in store.authorizations if "Credential=AKIATEST/" in each and "/eu-1/s3/" in each]
    assert signed
    assert signed == store.authorizations, "every request is signed"
    assert KEYS["AWS_SECRET_ACCESS_KEY"] not in shown + "".join(store.authorizations)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Bucket]:
    with bucket.running("logs", certificate.made(tmp_path)) as running:
        yield running


@pytest.mark.parametrize(("name", "key"), [("prod", "ASIA"), ("everything", "AKIA")])
def test_replicas_share_their_lines_and_find_them_again_when_all_disks_are_lost(
    name: str, key: str, store: Bucket, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID", raising=False)
    for variable, value in identity(tmp_path, store).items():
        monkeypatch.setenv(variable, value)
    stack, tenant = on(store, name, tmp_path), stack_settings.settings(name).loki.sender
    texts = [f"line {number}" for number in range(100)]

    def found(server: Loki) -> list[str]:
        return [entry.line for entry in server.entries('{app="bucket"}', tenant=tenant)]

    with replicas(stack, tmp_path / "first", REPLICAS) as (servers, processes):
        servers[0].push(LABELS, list(enumerate(texts, start=time.time_ns())), tenant=tenant)
        assert found(servers[-1]) == texts
        store_chunks(servers)
        end(processes)
    assert {key.partition("/")[0] for key in store.objects()} >= {tenant or NOBODY, "index"}

    with replicas(stack, tmp_path / "second", REPLICAS - 1) as (servers, _):
        eventually(lambda: all(found(server) == texts for server in servers), 60, "the same lines, once each")
    signers = {each.partition("Credential=")[2][:4] for each in store.authorizations}
    assert signers == {key}, "its own key, or without one a passing one of its role"


def identity(folder: Path, store: Bucket) -> Mapping[str, str]:
    """What the platform gives a pod with a role and no keys: variables, and a token of its account."""
    token = folder / "token"
    token.write_text("token")
    return {
        "AWS_ROLE_ARN": "arn:aws:iam::111122223333:role/loki",
        "AWS_WEB_IDENTITY_TOKEN_FILE": str(token),
        "AWS_ENDPOINT_URL_STS": store.url,
        **dict.fromkeys(("SSL_CERT_FILE", "AWS_CA_BUNDLE"), str(store.ca)),
    }


def on(store: Bucket, name: str, folder: Path) -> Rendered:
    """A recorded stack with this bucket in place of its own."""
    s3: dict[str, Any] = {"bucket": store.name, "endpoint": store.url, "pathStyle": True}
    config = merged(stack_settings.config(name), {"loki": {"storage": {"s3": s3}}})
    return render_text(name, folder / "stack", stack_text(config, tuple(stack_settings.secrets(name))))


@contextmanager
def replicas(stack: Rendered, home: Path, number: int) -> Iterator[tuple[list[Loki], list[Process]]]:
    """So many replicas on new disks."""
    meeting = free_port()
    servers = [replica(stack, home, ordinal, meeting) for ordinal in range(number)]
    with ExitStack() as exits:
        processes = [exits.enter_context(server.process()) for server in servers]
        for server, process in zip(servers, processes, strict=True):
            process.ready(server.is_ready, within=180)
        eventually(lambda: {met(server) for server in servers} == {number}, 60, "all replicas know each other")
        yield servers, processes


def end(processes: list[Process]) -> None:
    """End all at once; each puts its index into the bucket. One that is asked twice ends without that."""
    for process in processes:
        process.child.terminate()
    assert [process.child.wait(timeout=180) for process in processes] == [0] * len(processes)


def replica(stack: Rendered, home: Path, ordinal: int, meeting: int) -> Loki:
    """One that meets the others at the first one's port."""
    name = f"loki-{ordinal}"
    addresses = {stack.address("loki-headless", ports.LOKI_GOSSIP): f"127.0.0.1:{meeting}"}
    own = {} if ordinal else {ports.LOKI_GOSSIP: meeting}
    server = Loki(stack, home / name, pod=name, ports=own, addresses=addresses, planted=KEYS)
    config: dict[str, Any] = yaml.safe_load(server.config.read_text())
    # A pod has a host name and an address of its own.
    gossip = server.ports[ports.LOKI_GOSSIP]
    config["memberlist"] |= {"node_name": name, "bind_addr": ["127.0.0.1"], "advertise_port": gossip}
    config["common"]["ring"]["instance_id"] = name
    server.config.write_text(yaml.safe_dump(config))
    return server


def met(server: Loki) -> int:
    """How many replicas it knows as active."""
    known = http_json(f"{server.url}/ring", headers={"Accept": "application/json"})["shards"]
    return sum(each["state"] == "ACTIVE" for each in known)


def store_chunks(servers: list[Loki]) -> None:
    """Have all replicas write what they were sent, which they do after their answer."""
    for server in servers:
        http_text(f"{server.url}/flush", method="POST", timeout=30)
    eventually(
        lambda: all(server.metric("loki_ingester_chunks_stored_total") for server in servers), 60, "chunks are stored"
    )
