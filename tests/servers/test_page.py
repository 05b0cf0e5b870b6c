"""``make page`` against a real Alertmanager, by its URL and by way of kubectl."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.servers.delivery import EVERYBODY, Delivering, deliver, heartbeats, texts
from tools.page import main, reason_in
from tools.recorder import ROOT


@pytest.fixture(scope="module")
def delivering(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Delivering]:
    with deliver(tmp_path_factory.mktemp("page")) as running:
        yield running


def paged(delivering: Delivering, receiver: str) -> tuple[int, str]:
    """Exit status and output of ``make page`` against the running server."""
    command = [sys.executable, "-m", "tools.page", "test", receiver, f"--url={delivering.local.url}"]
    command.append(f"--stack-file={delivering.stack_file}")
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=120)
    return done.returncode, done.stdout + done.stderr


def test_a_test_page_goes_to_one_receiver_says_so_and_ends(delivering: Delivering) -> None:
    status, said = paged(delivering, "chat")
    assert (status, [line for line in said.splitlines() if not line.startswith("...")]) == (
        0,
        ["chat: the test page was delivered", "chat: its resolution was delivered"],
    )
    pages = [text for text in texts(delivering, "chat") if "TestPage" in text]
    assert len(pages) == 2
    for text, state in zip(pages, ("FIRING", "RESOLVED"), strict=True):
        assert f"TEST PAGE, nothing is wrong: {state} critical: TestPage on test-1" in text
        assert "This is a test. Nothing is wrong" in text
    for other in set(EVERYBODY) - {"chat"}:
        assert not [text for text in texts(delivering, other) if "TestPage" in text], f"{other} was not asked for"


def test_a_test_page_to_all_lists_receivers_that_did_not_get_it(delivering: Delivering) -> None:
    delivering.services.refusals |= {"discord": (404, "Unknown Webhook"), "teams": (500, "try again")}
    status, said = paged(delivering, "all")
    delivering.services.refusals.clear()
    assert status == 1
    for name in {*EVERYBODY, "beat"} - {"discord", "teams"}:
        assert f"{name}: the test page was delivered" in said
    for name in set(EVERYBODY) - {"discord", "teams", "late"}:
        assert f"{name}: its resolution was delivered" in said
    assert "discord: the test page FAILED: " in said
    assert "teams: the test page FAILED: serverError" in said
    assert "Unknown Webhook" in reason(delivering, "discord"), "which kubectl logs shows where there is a cluster"
    assert "try again" in reason(delivering, "teams")
    assert [name for name in heartbeats(delivering) if name != "Watchdog"] == ["TestPage"], "a dead man is paged, too"


def reason(delivering: Delivering, receiver: str) -> str:
    """What the log of the server says of the last page to a receiver."""
    lines = delivering.process.log().splitlines()
    (*_, page) = re.findall(rf'test_id=\\"(\w+)\\", test_page=\\"{receiver}\\"', "\n".join(lines))
    return reason_in(lines, receiver, page)


def test_by_way_of_kubectl_the_answer_of_the_service_is_shown(delivering: Delivering, tmp_path: Path) -> None:
    asked = tmp_path / "asked"
    kubectl = tmp_path / "kubectl"
    kubectl.write_text(
        f"""#!/bin/sh
echo "$*" >> {asked}
case "$*" in
  *port-forward*) echo "Forwarding from {delivering.local.address} -> 9093"; exec sleep 100 ;;
  *) cat {delivering.local.home / "log"} ;;
esac
"""
    )
    kubectl.chmod(0o755)
    delivering.services.refusals["discord"] = (404, "Unknown Webhook")
    command = [sys.executable, "-m", "tools.page", "test", "discord", f"--stack-file={delivering.stack_file}"]
    environment = {**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}"}
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=60, env=environment)
    delivering.services.refusals.clear()
    assert done.returncode == 1
    assert "discord: the test page FAILED: " in done.stdout
    assert "Unknown Webhook" in done.stdout
    forward, *_ = asked.read_text().splitlines()
    assert forward == "--context=test --namespace=monitoring port-forward service/alertmanager :9093"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (
            ["prod", "nobody"],
            "nobody: no receiver of this stack: all, or one of on-call, team-chat, team-mail, heartbeat",
        ),
        (["dev"], "this stack has no receivers: notifications.receivers is empty"),
        (["prod", "--url=http://127.0.0.1:1"], "http://127.0.0.1:1: does not answer"),
    ],
)
def test_what_cannot_be_is_said(arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(arguments) == 1
    assert said in capsys.readouterr().err


def test_a_receiver_that_is_not_deployed_yet_is_reported(
    delivering: Delivering, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["prod", "on-call", f"--url={delivering.local.url}"]) == 1
    assert "on-call: not in the running Alertmanager: deploy the stack first" in capsys.readouterr().err
