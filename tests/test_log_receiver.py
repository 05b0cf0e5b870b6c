"""What tests send logs to where they need no Loki: it forgets nothing, and tells lines apart."""

from __future__ import annotations

from pathlib import Path

import pytest

from tools.local import otlp
from tools.local.log_receiver import LogReceiver
from tools.local.otlp import Log

RESOURCE = {"cluster": "test-1", "app": "planner", "service.name": "planner"}


def send(receiver: LogReceiver, *records: Log, app: str = "planner") -> None:
    otlp.send(f"{receiver.url}/otlp", otlp.logs(RESOURCE | {"app": app}, *records))


def test_it_has_what_it_acknowledged_once_and_after_it_was_killed(tmp_path: Path) -> None:
    receiver = LogReceiver(tmp_path)
    with receiver.running() as process:
        send(receiver, Log("second", 2), Log("first", 1))
        assert [entry.line for entry in receiver.entries('{app="planner"}')] == ["first", "second"]
        process.kill()
    with receiver.running():
        send(receiver, Log("second", 2), Log("third", 3))

    assert [entry.line for entry in receiver.entries('{app="planner"}')] == ["first", "second", "third"]


def test_it_keeps_labels_everything_beside_them_and_bodies_as_they_were_sent(tmp_path: Path) -> None:
    receiver = LogReceiver(tmp_path)
    body = {"message": "hello", "list": [1, 2.5, True, {"deep": "yes"}]}
    with receiver.running():
        send(receiver, Log(body, 1, attributes={"level": "warn", "user": "ada"}, trace=b"\1" * 16))

    (entry,) = receiver.entries('{cluster="test-1", app="planner"} |= "hello"')

    assert dict(entry.labels) == {"cluster": "test-1", "app": "planner", "level": "warn"}
    assert entry.metadata.items() >= {"user": "ada", "service.name": "planner", "trace_id": "01" * 16}.items()
    assert entry.line == '{"message":"hello","list":[1,2.5,true,{"deep":"yes"}]}'


def test_lines_are_chosen_by_labels_and_text(tmp_path: Path) -> None:
    receiver = LogReceiver(tmp_path)
    with receiver.running():
        send(receiver, Log("one", 1), Log("two", 2))
        send(receiver, Log("one", 3), app="other")

    assert receiver.count('{app="planner"}') == 2
    assert receiver.count('{cluster="test-1"} |= "one"') == 2
    assert receiver.count('{app="nobody"}') == 0


def test_what_is_sent_to_another_path_than_lokis_is_not_taken(tmp_path: Path) -> None:
    receiver = LogReceiver(tmp_path)
    with receiver.running(), pytest.raises(OSError, match="404"):
        otlp.send(receiver.url, otlp.logs(RESOURCE, Log("one", 1)))

    assert receiver.count('{app="planner"}') == 0


@pytest.mark.parametrize("query", ['{app=~"plan.*"}', '{app="planner"} | json', '{app="planner", level!="info"}'])
def test_a_query_that_it_does_not_understand_is_refused(tmp_path: Path, query: str) -> None:
    with pytest.raises(AssertionError, match="more than is understood here"):
        LogReceiver(tmp_path).entries(query)
