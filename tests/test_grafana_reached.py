"""Before something is put into Grafana, Pulumi waits for it: with progress, to an end, and beside all else."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from components.grafana.reached import Patience, Reached

HEALTHY = b'{"database": "ok", "version": "13.2.3"}'
IMPATIENT = Patience(within=0.2, pause=0.05, progress=0.1)
# Far more than any of these waits takes: a test that gets here hangs.
DEADLINE_SECONDS = 10


class Server(ThreadingHTTPServer):
    """Answers everything with ``status`` and ``body``, which a test may change, and counts how often it was asked."""

    status, body, asked = 200, HEALTHY, 0


@contextmanager
def answering(status: int = 200, body: bytes = HEALTHY) -> Iterator[tuple[Server, str]]:
    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            server.asked += 1
            self.send_response(server.status)
            self.end_headers()
            self.wfile.write(server.body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002  the base class names it
            """Nothing to report."""

    with Server(("127.0.0.1", 0), Answer) as server:
        server.status, server.body = status, body
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server, f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def before(hook: Reached, times: int = 1) -> list[str]:
    """What Pulumi does before it puts ``times`` things into Grafana at once; returns what was refused."""

    async def all_hooks() -> list[BaseException | None]:
        waiting = asyncio.gather(*(hook.before(None) for _ in range(times)), return_exceptions=True)
        return await asyncio.wait_for(waiting, DEADLINE_SECONDS)

    return [str(problem) for problem in asyncio.run(all_hooks()) if problem is not None]


def test_the_wait_ends_although_the_sdk_holds_every_thread_of_the_event_loop() -> None:
    """As in a first `up`: as many registrations as there are threads, and each of them waits for this hook."""
    threads, reached = 2, threading.Event()

    async def up(hook: Reached) -> None:
        loop = asyncio.get_running_loop()
        loop.set_default_executor(ThreadPoolExecutor(threads))
        registered = [loop.run_in_executor(None, reached.wait, DEADLINE_SECONDS) for _ in range(threads)]
        await asyncio.wait_for(asyncio.gather(*(hook.before(None) for _ in range(threads))), DEADLINE_SECONDS / 2)
        reached.set()
        assert all(await asyncio.gather(*registered))

    with answering() as (_, url):
        asyncio.run(up(Reached(url)))


def test_all_that_is_put_into_grafana_waits_once() -> None:
    with answering() as (server, url):
        hook = Reached(url)
        assert before(hook, times=100) == []
        assert before(hook, times=100) == []
        assert server.asked == 1


def test_a_grafana_that_cannot_be_reached_is_explained_once_and_the_cluster_stands() -> None:
    with answering(status=503) as (_, url):
        whole, *others = before(Reached(url, IMPATIENT), times=3)
    assert whole.startswith(
        f"grafana.url: {url}: does not answer: requests to {url}/api/health failed for 0 s, the last one with:"
    )
    assert "HTTP Error 503" in whole
    assert "the resources in the cluster are deployed" in whole.lower()
    assert "port-forward" in whole
    assert "--exclude '**GrafanaContent**'" in whole
    assert others == [f"grafana.url: {url}: does not answer: see the error before"] * 2


def test_a_long_wait_is_seen_to_live_and_says_how_long_it_may_take() -> None:
    said: list[str] = []
    with answering(status=503) as (server, url):

        def say(line: str) -> None:
            said.append(line)
            if len(said) == 2:
                server.status = 200

        assert before(Reached(url, Patience(within=DEADLINE_SECONDS, pause=0.02, progress=0.05), say)) == []
    first, second, last = said
    for line in (first, second):
        assert line.startswith("waiting for Grafana, for up to ")
        assert f"{url}/api/health: HTTP Error 503" in line
    assert last == f"Grafana answers at {url}"


def test_nothing_is_said_where_grafana_answers_at_once() -> None:
    said: list[str] = []
    with answering() as (_, url):
        before(Reached(url, say=said.append))
    assert said == []


def test_a_login_page_in_front_of_grafana_is_no_answer() -> None:
    with answering(body=b"<html>Sign in</html>") as (_, url):
        (refused,) = before(Reached(url, IMPATIENT))
    assert "not Grafana's" in refused


def test_what_listens_but_speaks_no_http_is_no_answer() -> None:
    async def up() -> str:
        silent = await asyncio.start_server(lambda _, writer: writer.close(), "127.0.0.1", 0)
        url = f"http://127.0.0.1:{silent.sockets[0].getsockname()[1]}"
        async with silent:
            with pytest.raises(ConnectionError) as refused:
                await asyncio.wait_for(Reached(url, IMPATIENT).before(None), DEADLINE_SECONDS)
        return str(refused.value)

    assert "does not answer" in asyncio.run(up())


def test_an_update_that_is_cancelled_leaves_the_others_waiting() -> None:
    async def up(hook: Reached, server: Server) -> None:
        first, second = (asyncio.create_task(hook.before(None)) for _ in range(2))
        await asyncio.sleep(0)
        first.cancel()
        server.status = 200
        await asyncio.wait_for(second, DEADLINE_SECONDS)

    with answering(status=503) as (server, url):
        asyncio.run(up(Reached(url, Patience(within=DEADLINE_SECONDS, pause=0.02), lambda _: None), server))


def test_the_program_can_end_while_it_waits() -> None:
    began = time.monotonic()
    with answering(status=503) as (_, url):
        hook = Reached(url, Patience(within=DEADLINE_SECONDS), lambda _: None)

        async def up() -> None:
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(hook.before(None), 0.1)

        asyncio.run(up())
    (waiting,) = (thread for thread in threading.enumerate() if thread.name == "wait-for-grafana" and thread.is_alive())
    assert waiting.daemon, f"Ctrl-C would not end it before {DEADLINE_SECONDS - (time.monotonic() - began):.0f} s"
