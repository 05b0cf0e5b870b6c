"""What the other tests stand on: a simulated cluster that behaves like one, and servers whose end is seen."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
import threading
import urllib.error
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from tools.local.control_plane import NODES, ControlPlane
from tools.local.harness import Process, ServerDied, eventually, free_port, http_json, http_text
from tools.servers.build import version

ROOT = Path(__file__).parents[2]
RESTRICTED = {"pod-security.kubernetes.io/enforce": "restricted"}


def pod(name: str, namespace: str, **container: Any) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {"containers": [{"name": "main", "image": "registry.example/main:1", **container}]},
    }


def is_ready(running: dict[str, Any]) -> bool:
    return any(
        condition["type"] == "Ready" and condition["status"] == "True"
        for condition in running["status"].get("conditions", [])
    )


def test_the_cluster_runs_the_pinned_version(control_plane: ControlPlane) -> None:
    said = http_json(f"{control_plane.url}/version", ca=control_plane.ca)

    assert said["gitVersion"] == f"v{version('kubernetes')}", (
        "an unstamped server calls itself v0.0.0, and clients warn of skew"
    )


def test_every_node_has_a_zone_an_address_and_a_kubelet_port(control_plane: ControlPlane) -> None:
    nodes = control_plane.get("nodes")["items"]

    found = {
        node["metadata"]["name"]: (
            node["metadata"]["labels"]["topology.kubernetes.io/zone"],
            {address["type"]: address["address"] for address in node["status"]["addresses"]}["InternalIP"],
            node["status"]["daemonEndpoints"]["kubeletEndpoint"]["Port"],
        )
        for node in nodes
    }
    assert found == {name: (name[-1], address, 10250) for name, address in NODES.items()}


def test_the_api_server_is_among_the_endpoints_of_its_own_service(control_plane: ControlPlane) -> None:
    found = control_plane.get("endpointslice", "kubernetes", "--namespace=default")

    assert found["ports"][0]["port"] == control_plane.port, "scrape jobs discover API servers here"


def test_a_pod_on_the_simulated_cluster_becomes_ready(control_plane: ControlPlane) -> None:
    namespace = control_plane.namespace("harness-pod")

    control_plane.apply(pod("main", namespace))

    running = eventually(lambda: ready_pod(control_plane, "main", namespace), 20, "the pod is ready")
    assert running["status"]["phase"] == "Running"
    assert running["spec"]["nodeName"] in NODES


def ready_pod(control_plane: ControlPlane, name: str, namespace: str) -> Any:
    found = control_plane.get("pod", name, f"--namespace={namespace}")
    return found if is_ready(found) else None


def test_a_privileged_pod_is_refused_in_a_restricted_namespace(control_plane: ControlPlane) -> None:
    namespace = control_plane.namespace("harness-restricted", RESTRICTED)

    refusal = control_plane.apply(pod("main", namespace, securityContext={"privileged": True}), check=False)

    assert refusal.returncode != 0
    assert 'violates PodSecurity "restricted:latest": privileged' in refusal.stderr


def test_an_unknown_field_is_refused(control_plane: ControlPlane) -> None:
    refusal = control_plane.apply(pod("main", "default", imagePolicy="Always"), check=False)

    assert refusal.returncode != 0
    assert "imagePolicy" in refusal.stderr


def test_a_stateful_set_becomes_ready_once_its_claims_get_volumes(control_plane: ControlPlane) -> None:
    namespace = control_plane.namespace("harness-volumes")
    labels = {"app": "main"}
    claim = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}
    control_plane.apply(
        {
            "apiVersion": "apps/v1",
            "kind": "StatefulSet",
            "metadata": {"name": "main", "namespace": namespace},
            "spec": {
                "serviceName": "main",
                "replicas": 2,
                "selector": {"matchLabels": labels},
                "template": {
                    "metadata": {"labels": labels},
                    "spec": {
                        "containers": [
                            {
                                "name": "main",
                                "image": "main:1",
                                "volumeMounts": [{"name": "data", "mountPath": "/data"}],
                            }
                        ]
                    },
                },
                "volumeClaimTemplates": [{"metadata": {"name": "data"}, "spec": claim}],
            },
        }
    )

    def both_replicas_are_ready() -> bool:
        control_plane.bind_claims()
        found = control_plane.get("statefulset", "main", f"--namespace={namespace}")
        return bool(found["status"].get("readyReplicas") == 2)

    eventually(both_replicas_are_ready, 30, "both replicas are ready")
    claims = control_plane.get("persistentvolumeclaims", f"--namespace={namespace}")["items"]
    assert [found["status"]["phase"] for found in claims] == ["Bound", "Bound"]


def test_a_service_account_may_only_what_it_was_given(control_plane: ControlPlane) -> None:
    namespace = control_plane.namespace("harness-account")
    token = control_plane.token_for(namespace, "default")

    who = http_json(f"{control_plane.url}/api", ca=control_plane.ca, token=token)
    assert who["kind"] == "APIVersions", "its token is accepted"

    with pytest.raises(urllib.error.HTTPError) as refusal:
        http_text(f"{control_plane.url}/api/v1/namespaces/{namespace}/secrets", ca=control_plane.ca, token=token)
    assert refusal.value.code == 403
    assert f"system:serviceaccount:{namespace}:default" in refusal.value.__notes__[0], (
        "the answer's body says who was refused what"
    )


def test_a_failing_kubectl_says_what_it_said(control_plane: ControlPlane) -> None:
    with pytest.raises(AssertionError, match=r'pods "absent" not found'):
        control_plane.kubectl("get", "pod", "absent")


def test_a_killed_server_is_seen_as_dead(tmp_path: Path) -> None:
    with Process(["sleep", "600"], log=tmp_path / "log") as server:
        server.ready(lambda: server.alive)

        assert server.kill() == -signal.SIGKILL
        assert not server.alive


def test_a_server_that_ignores_a_polite_end_is_killed(tmp_path: Path) -> None:
    script = "trap '' TERM; echo deaf; while :; do read -t 1 _ < /dev/zero; done"
    with Process(["bash", "-c", script], log=tmp_path / "log") as server:
        server.ready(lambda: "deaf" in server.log())

        assert server.terminate(within=0.2) == -signal.SIGKILL


def test_a_server_that_fails_to_start_is_reported_at_once_with_the_end_of_its_log(tmp_path: Path) -> None:
    with (
        Process(["bash", "-c", "seq 1 100; echo 'port is taken'; exit 3"], log=tmp_path / "log") as server,
        pytest.raises(ServerDied) as problem,
    ):
        server.ready(lambda: False, within=60)

    shown = str(problem.value).splitlines()
    assert shown[0] == "bash ended with status 3"
    assert shown[-1] == "port is taken"
    assert len(shown) == 32, "the status, the command and the last 30 lines"


def test_a_server_that_does_not_exist_is_reported(tmp_path: Path) -> None:
    with Process(["no-such-server"], log=tmp_path / "log") as server, pytest.raises(ServerDied, match="no-such-server"):
        server.ready(lambda: False)


def test_servers_die_with_a_test_run_that_is_killed(tmp_path: Path) -> None:
    run = (
        "import sys; from pathlib import Path; from tools.local.harness import Process\n"
        "with Process(['sleep', '600'], log=Path(sys.argv[1])) as server:\n"
        "    print(server.child.pid, flush=True); sys.stdin.read()"
    )
    argv = [sys.executable, "-c", run, str(tmp_path / "log")]
    with subprocess.Popen(argv, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as killed:
        assert killed.stdout is not None
        pid = int(killed.stdout.readline())
        eventually(lambda: command_of(pid) == "sleep", 10, "the server runs")
        killed.kill()

        eventually(lambda: command_of(pid) is None, 10, "the server is gone")


def command_of(pid: int) -> str | None:
    """Name of a running process; None when it is gone, or only waits to be collected."""
    try:
        name, state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[::2]
    except FileNotFoundError:
        return None
    return None if state.split()[0] == "Z" else name.partition("(")[2]


def test_waiting_names_what_never_came_and_the_last_error() -> None:
    def probe() -> bool:
        raise ConnectionError("refused")

    with pytest.raises(AssertionError, match=r"not within 0.3 s: the sun rises: ConnectionError: refused"):
        eventually(probe, 0.1, "the sun rises")


def test_waiting_returns_what_the_probe_found() -> None:
    answers = iter([None, False, "", "found"])

    assert eventually(lambda: next(answers), 5, "an answer") == "found"


def test_a_port_is_never_handed_out_twice_and_never_while_taken() -> None:
    ports = [free_port() for _ in range(200)]
    assert len(set(ports)) == 200

    for port in ports[:10]:
        with socket.socket() as server:
            server.bind(("127.0.0.1", port))


def test_a_port_is_kept_from_other_processes_while_its_server_does_not_run_yet() -> None:
    port = free_port()
    ask = f"from tools.local import harness; harness._PORTS = range({port}, {port + 1}); harness.free_port()"
    asked = subprocess.run([sys.executable, "-c", ask], cwd=ROOT, capture_output=True, text=True, check=False)

    assert "none was free" in asked.stderr


def test_an_answer_is_read_past_any_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")

    class Echo(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(200)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name in the base
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Echo) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            assert http_json(f"http://127.0.0.1:{server.server_port}/", send={"a": 1}) == {"a": 1}
        finally:
            server.shutdown()


def test_a_server_that_starts_while_the_run_ends_is_not_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    born: list[subprocess.Popen[bytes]] = []

    class Interrupted(subprocess.Popen[bytes]):
        def __init__(self, *args: Any, **options: Any) -> None:
            super().__init__(*args, **options)
            born.append(self)
            signal.raise_signal(signal.SIGINT)  # before whoever starts it has it

    monkeypatch.setattr(subprocess, "Popen", Interrupted)
    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # what runs in the background ignores it
    try:
        with pytest.raises(KeyboardInterrupt), Process(["sleep", "60"], log=tmp_path / "log"):
            pytest.fail("it was told to end")
    finally:
        signal.signal(signal.SIGINT, before)
    assert born[0].poll() == -signal.SIGKILL


def test_nothing_of_the_cluster_listens_beyond_this_machine(control_plane: ControlPlane) -> None:
    found = {server.name: server.listens() for server in control_plane.servers}

    assert ("127.0.0.1", control_plane.port) in found["kube-apiserver"]
    beyond = {
        name: listens
        for name, listens in found.items()
        if any(address not in {"127.0.0.1", "::1"} for address, _ in listens)
    }
    assert beyond == {}
