"""Sends a test page, and its resolution, through the deployed Alertmanager to one receiver of a stack or to all.

The page says that it is a test. It goes to exactly these receivers, dead men included, independent of the stack's
routes. The output shows Alertmanager's counters: whether the service accepted the message.
"""

from __future__ import annotations

import argparse
import json
import re
import secrets
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from components.kubernetes import NAME_LABEL
from components.routing import TEST_ID, TEST_PAGE
from components.settings.receivers import Receiver
from components.settings.stack import Refused, Settings
from model import ports
from model.cluster import ClusterSettings
from tools import stack_file
from tools.recorder import ROOT

WITHIN_SECONDS = 75
"""Maximum duration of a delivery. The third of three replicas waits half a minute for the others, a refused delivery is
retried for ten seconds and then counted as failed, and the resolution is sent ten seconds after the page at the
earliest."""


class Failed(Exception):
    """The reason why no page can be sent at all."""


@dataclass(frozen=True)
class Count:
    """Alertmanager's counters of one receiver."""

    taken: int = 0
    """Messages that its service accepted."""
    refused: int = 0
    """Messages that failed."""
    reason: str = ""
    """Reason of the last failure, in one word."""


@dataclass(frozen=True)
class Alertmanager:
    """The client of Alertmanager's API."""

    url: str

    def _ask(self, path: str, send: object = None) -> str:
        body = None if send is None else json.dumps(send).encode()
        request = urllib.request.Request(f"{self.url}{path}", data=body, headers={"Content-Type": "application/json"})  # noqa: S310  main takes http and https only
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        try:
            with opener.open(request, timeout=10) as answer:
                text: str = answer.read().decode()
                return text
        except urllib.error.HTTPError as refusal:
            raise Failed(f"{self.url}{path}: {refusal.code}: {refusal.read().decode(errors='replace')}") from None
        except OSError as problem:
            raise Failed(f"{self.url}: does not answer: {problem}") from None

    def receivers(self) -> set[str]:
        return {receiver["name"] for receiver in json.loads(self._ask("/api/v2/receivers"))}

    def send(self, alerts: list[dict[str, Any]]) -> None:
        self._ask("/api/v2/alerts", alerts)

    def count(self, receiver: str) -> Count:
        requests, failed, given_up, reason = 0, 0, 0, ""
        for name, labels, value in _samples(self._ask("/metrics")):
            if f'receiver_name="{receiver}"' not in labels:
                continue
            match name:
                case "alertmanager_notification_requests_total":
                    requests += value
                case "alertmanager_notification_requests_failed_total":
                    failed += value
                case "alertmanager_notifications_failed_total":
                    given_up += value
                    reason = _label(labels, "reason") if value else reason
        return Count(requests - failed, given_up, reason)


def _samples(metrics: str) -> Iterator[tuple[str, str, int]]:
    for line in metrics.splitlines():
        if found := re.fullmatch(r"(alertmanager_notification\w+)\{(.*)\} (\S+)", line):
            yield found[1], found[2], int(float(found[3]))


def _label(labels: str, name: str) -> str:
    found = re.search(rf'{name}="([^"]*)"', labels)
    return found[1] if found else ""


def alert(cluster: ClusterSettings, receiver: str, page: str, began: datetime, ends: datetime) -> dict[str, Any]:
    """The test page in the format of Alertmanager's API."""
    return {
        "labels": {
            "alertname": "TestPage",
            # The most urgent severity: the test is whether somebody wakes up.
            "severity": "critical",
            TEST_PAGE: receiver,
            TEST_ID: page,
            "cluster": cluster.name,
            "environment": cluster.environment,
        },
        "annotations": {
            "summary": "This is a test. Nothing is wrong, and nothing needs to be done.",
            "description": f"If you can read this, alerts of {cluster.name} reach you as receiver {receiver}.",
        },
        "startsAt": began.isoformat(),
        "endsAt": ends.isoformat(),
    }


def page(server: Alertmanager, cluster: ClusterSettings, receivers: Sequence[Receiver], log: Log) -> bool:
    """Send the page and its resolution to all, and wait for both; whether every message was delivered."""
    identity, began = secrets.token_hex(4), datetime.now(UTC)
    before = {receiver.name: server.count(receiver.name) for receiver in receivers}
    names = list(before)
    server.send([alert(cluster, name, identity, began, began + timedelta(hours=1)) for name in names])
    delivered = _wait(server, before, "the test page", log, identity)
    before = {name: server.count(name) for name in names}
    server.send([alert(cluster, name, identity, began, datetime.now(UTC)) for name in names])
    # A receiver without notifications of resolutions has nothing more to wait for.
    ended = {each.name for each in receivers if getattr(each.kind, "send_resolved", False)} & delivered
    resolved = _wait(server, {name: before[name] for name in names if name in ended}, "its resolution", log, identity)
    return delivered == set(names) and resolved == ended


def _wait(server: Alertmanager, before: dict[str, Count], what: str, log: Log, identity: str) -> set[str]:
    """The receivers whose service accepted the message. It prints the result of each as soon as it is known."""
    open_, taken, started, said = set(before), set[str](), time.monotonic(), 0
    while open_:
        for name in sorted(open_):
            now = server.count(name)
            if now.taken > before[name].taken:
                print(f"{name}: {what} was delivered")
                taken.add(name)
            elif now.refused > before[name].refused:
                reason = log.reason(name, identity) or f"{now.reason}: Alertmanager's log says more"
                print(f"{name}: {what} FAILED: {reason}")
            else:
                continue
            open_.discard(name)
        passed = int(time.monotonic() - started)
        if passed >= WITHIN_SECONDS:
            for name in sorted(open_):
                print(
                    f"{name}: {what} FAILED: neither delivered nor refused within {WITHIN_SECONDS} s: is it silenced?"
                )
            break
        if open_ and passed >= said + 5:
            said = passed
            print(f"... {passed} s, waiting for {', '.join(sorted(open_))}", flush=True)
        time.sleep(0.25)
    return taken


@dataclass(frozen=True)
class Log:
    """The servers' logs, if they can be read."""

    kubectl: tuple[str, ...] = ()
    """The kubectl command for the stack's namespace; empty for a server that is reached by ``--url``."""

    def reason(self, receiver: str, identity: str) -> str:
        """The answer of a receiver's service to a page; empty if it is unknown."""
        if not self.kubectl:
            return ""
        command = [*self.kubectl, "logs", f"--selector={NAME_LABEL}=alertmanager", "--since=5m", "--tail=-1"]
        lines = subprocess.run(command, capture_output=True, text=True, check=False).stdout.splitlines()  # noqa: S603  kubectl, with the stack's own names
        return reason_in(lines, receiver, identity)


def reason_in(lines: Sequence[str], receiver: str, identity: str) -> str:
    """The last error in log lines about a page to a receiver."""
    found = ""
    for line in lines:
        if identity in line and f'{TEST_PAGE}=\\"{receiver}\\"' in line and line.startswith("{"):
            found = str(json.loads(line).get("err", "")) or found
    return found


@contextmanager
def forwarded(settings: Settings) -> Iterator[tuple[Alertmanager, Log]]:
    """The stack's Alertmanager by kubectl's port-forward, on a free port."""
    kubectl = ("kubectl", f"--context={settings.cluster.context}", f"--namespace={settings.cluster.namespaces.stack}")
    command = [*kubectl, "port-forward", "service/alertmanager", f":{ports.ALERTMANAGER}"]
    try:
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)  # noqa: S603  kubectl, with the stack's own names
    except FileNotFoundError:
        raise Failed("kubectl: not found: install it, or give --url") from None
    with process:
        try:
            line = process.stdout.readline() if process.stdout else ""
            found = re.search(r"127\.0\.0\.1:(\d+)", line)
            if found is None:
                process.terminate()
                raise Failed(f"{' '.join(command)}: {process.stderr.read().strip() if process.stderr else ''}")
            yield Alertmanager(f"http://127.0.0.1:{found[1]}"), Log(kubectl)
        finally:
            process.terminate()


def chosen(settings: Settings, name: str) -> list[Receiver]:
    """The selected receivers; raises Failed if none has that name."""
    receivers = list(settings.notifications.receivers)
    names = ", ".join(receiver.name for receiver in receivers)
    if not receivers:
        raise Failed("this stack has no receivers: notifications.receivers is empty")
    found = [receiver for receiver in receivers if name in ("all", receiver.name)]
    if not found:
        raise Failed(f"{name}: no receiver of this stack: all, or one of {names}")
    return found


def _deliver(server: Alertmanager, log: Log, settings: Settings, receivers: list[Receiver]) -> bool:
    missing = {receiver.name for receiver in receivers} - server.receivers()
    if missing:
        raise Failed(f"{', '.join(sorted(missing))}: not in the running Alertmanager: deploy the stack first")
    return page(server, settings.cluster, receivers, log)


def main(arguments: list[str] | None = None) -> int:
    """Exit status 0 if every page and every resolution was delivered, else 1."""
    parser = argparse.ArgumentParser(prog="python -m tools.page", description=__doc__.partition("\n")[0])
    parser.add_argument("stack", metavar="STACK", help="name of the stack, such as prod")
    parser.add_argument("receiver", metavar="RECEIVER", nargs="?", default="all", help="one receiver (default: all)")
    parser.add_argument("--url", help="URL of Alertmanager (default: a port-forward by kubectl)")
    parser.add_argument("--stack-file", type=Path, help="stack file (default: Pulumi.<STACK>.yaml)")
    given = parser.parse_args(arguments)
    if given.url and not re.match(r"https?://", given.url):
        parser.error(f"--url: {given.url}: a URL like http://localhost:9093")
    try:
        path = given.stack_file or ROOT / f"Pulumi.{given.stack}.yaml"
        settings = stack_file.settings(path)
        receivers = chosen(settings, given.receiver)
        if given.url:
            done = _deliver(Alertmanager(given.url.rstrip("/")), Log(), settings, receivers)
        else:
            with forwarded(settings) as (server, log):
                done = _deliver(server, log, settings, receivers)
    except (Refused, stack_file.Unreadable, Failed) as problem:
        print(problem, file=sys.stderr)
        return 1
    return 0 if done else 1


if __name__ == "__main__":
    sys.exit(main())
