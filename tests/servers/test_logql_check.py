"""Whether a real Loki agrees with the look at people's LogQL before it is deployed."""

from __future__ import annotations

from tests.servers.test_logql import over_time
from tests.test_logql_check import FINDS_NOTHING, REFUSED, RIGHT
from tools.local.logs import Loki


def refused(loki: Loki, query: str) -> bool:
    try:
        over_time(loki, query)
    except AssertionError as said:
        print(said)
        return True
    return False


def test_loki_refuses_what_is_refused(loki: Loki) -> None:
    assert [query for query in REFUSED if not refused(loki, query)] == []


def test_loki_takes_the_others(loki: Loki) -> None:
    assert [query for query in (*RIGHT, *FINDS_NOTHING) if refused(loki, query)] == []
