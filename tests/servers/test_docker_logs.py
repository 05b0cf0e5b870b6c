"""Logs as Docker writes them: JSON around each line, in a folder of its own, to which the kubelet's files are links."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from tools.local.control_plane import ControlPlane
from tools.local.harness import eventually
from tools.local.log_nodes import SPACE, Node, named, pod, rendered
from tools.local.log_receiver import LogReceiver
from tools.local.logs import SECOND, Entry, stamp

BEGAN = 1_700_000_000 * SECOND
"""When the first line was printed; each further one a second later."""
TRACEBACK = ("Traceback (most recent call last):", '  File "main.py", line 1', "ValueError: no such tool")
CUT = "x" * 16_384
"""As much of a line as Docker writes at once."""


def docker(*printed: str, stream: str = "stderr") -> str:
    """The file of a container that printed this."""
    return "".join(
        json.dumps({"log": text, "stream": stream, "time": stamp(BEGAN + number * SECOND)}) + "\n"
        for number, text in enumerate(printed)
    )


@pytest.fixture(scope="module")
def entries(control_plane: ControlPlane, tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Entry]]:
    """What arrived of one container, in order."""
    home = tmp_path_factory.mktemp("docker")
    control_plane.namespace(SPACE)
    receiver = LogReceiver(home / "logs")
    stack = rendered(home, "otel", runtime="docker")
    node = Node("otel", stack, home / "node", control_plane, receiver.url.removeprefix("http://"))
    link = node.log(pod(control_plane, "docker-1", labels=named("docker"))).path
    written = home / "containers" / "0123-json.log"
    written.parent.mkdir()
    text = docker(
        "level=warn low\n", json.dumps({"level": "error", "msg": "declined"}) + "\n", CUT, CUT, "the rest\n"
    ) + docker(*(f"{line}\n" for line in TRACEBACK), "\n", "after\n", stream="stdout")
    written.write_text(text + "of no runtime\n", encoding="utf-8")
    link.symlink_to(written)
    query = f'{{cluster="by-otel", namespace="{SPACE}", app="docker"}}'
    with receiver.running(), node.running():
        eventually(lambda: receiver.entries(f'{query} |= "of no runtime"'), 60, "the last line arrives")
        eventually(lambda: len(receiver.entries(query)) >= 6, 20, "all of them arrive")
        yield receiver.entries(query)


def with_text(entries: list[Entry], text: str) -> Entry:
    (found,) = (entry for entry in entries if text in entry.line)
    return found


def test_a_line_is_what_was_printed_when_it_was(entries: list[Entry]) -> None:
    entry = with_text(entries, "low")
    assert (entry.line, entry.time, entry.metadata["stream"]) == ("level=warn low", BEGAN, "stderr")


@pytest.mark.parametrize(("text", "level"), [("low", "warn"), ("declined", "error")])
def test_a_line_has_its_level(entries: list[Entry], text: str, level: str) -> None:
    assert dict(with_text(entries, text).labels)["level"] == level


def test_a_line_that_docker_cut_is_whole_again(entries: list[Entry]) -> None:
    assert with_text(entries, "the rest").line == f"{CUT}{CUT}the rest"


def test_a_stack_trace_is_one_entry(entries: list[Entry]) -> None:
    assert with_text(entries, "Traceback").line.rstrip() == "\n".join(TRACEBACK)


def test_a_line_of_another_form_is_kept_as_it_is(entries: list[Entry]) -> None:
    assert with_text(entries, "of no runtime").line == "of no runtime"
