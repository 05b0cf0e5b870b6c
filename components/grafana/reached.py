"""Waits until Grafana answers, once for all of its content."""

from __future__ import annotations

import asyncio
import contextvars
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from http.client import HTTPException

import pulumi


@dataclass(frozen=True, kw_only=True)
class Patience:
    """How long to wait, in seconds."""

    # A new ingress gets its address within a minute or two, and its certificate within as long again.
    within: float = 240
    pause: float = 5
    """Between two requests."""
    timeout: float = 5
    """Maximum duration of a request."""
    # Often enough to show that it runs, rarely enough to keep the rest of the update readable.
    progress: float = 15
    """Between two lines of progress."""


class Reached:
    """A hook of real updates, never of previews: its resources are created after Grafana has answered.

    All hooks of a program share one wait: the first starts it, the others await its result. It has its own thread. In
    the event loop's threads the SDK waits for the engine, once per registration. If registrations that wait for these
    hooks took all of those threads, neither would ever end.
    """

    def __init__(
        self, url: str, patience: Patience | None = None, say: Callable[[str], object] = pulumi.log.info
    ) -> None:
        self.url = url
        self._asked = f"{url.rstrip('/')}/api/health"
        self._patience = patience or Patience()
        self._say = say
        self._answered: Future[None] | None = None

    async def before(self, _args: object) -> None:
        """Raise ConnectionError if Grafana did not answer in time: all details the first time, then one line."""
        first = self._answered is None
        if self._answered is None:
            self._answered = Future()
            run = contextvars.copy_context().run  # the engine for the progress lines is found by context
            args = (self._wait, self._answered)
            threading.Thread(target=run, args=args, name="wait-for-grafana", daemon=True).start()
        try:
            # Shielded: the others still wait if one update is cancelled.
            await asyncio.shield(asyncio.wrap_future(self._answered))
        except ConnectionError:
            if first:
                raise
            raise ConnectionError(f"grafana.url: {self.url}: does not answer: see the error before") from None

    def _wait(self, answered: Future[None]) -> None:
        try:
            self._ask_until_it_answers()
        except BaseException as problem:  # noqa: BLE001  every error is passed to those that wait
            answered.set_exception(problem)
        else:
            answered.set_result(None)

    def _ask_until_it_answers(self) -> None:
        patience, began = self._patience, time.monotonic()
        told: float | None = None
        while True:
            try:
                _ask(self._asked, patience.timeout)
            except (OSError, HTTPException, ValueError) as problem:
                waited, answer = time.monotonic() - began, str(problem)
            else:
                if told is not None:
                    self._say(f"Grafana answers at {self.url}")
                return
            if waited >= patience.within:
                raise ConnectionError(
                    f"grafana.url: {self.url}: does not answer: requests to {self._asked} failed for {waited:.0f} s,"
                    f" the last one with: {answer}. The resources in the cluster are deployed; only Grafana's content"
                    " is missing. Check that Grafana's pod is ready and that this machine reaches the URL (ingress,"
                    " node port, or kubectl port-forward), then run pulumi up again. To leave out Grafana's content,"
                    " run pulumi up --exclude '**GrafanaContent**'"
                )
            if told is None or waited - told >= patience.progress:
                told = waited
                left = patience.within - waited
                self._say(f"waiting for Grafana, for up to {left:.0f} s more: {self._asked}: {answer}")
            time.sleep(min(patience.pause, patience.within - waited))


def _ask(url: str, timeout: float) -> None:
    """Raise OSError, HTTPException or ValueError if Grafana is not healthy within ``timeout`` seconds."""
    try:
        with urllib.request.urlopen(url, timeout=timeout) as answer:  # noqa: S310  an http URL, by its type
            said = answer.read(4096)
    except urllib.error.HTTPError as refusal:
        refusal.close()  # it holds the connection
        raise
    # A login page in front of it, or another server, may answer with the same status.
    if b'"database"' not in said:
        raise ValueError(f"an answer that is not Grafana's: {said[:60].decode(errors='replace')!r}")
