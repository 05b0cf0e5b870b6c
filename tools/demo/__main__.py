"""The stack `dev` on this machine: no cluster, no account. See docs/demo.md."""

from __future__ import annotations

import argparse
import json
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any, NoReturn

from components import images
from tools.demo import page
from tools.demo.show import ALERT, SHORTEST, Show
from tools.demo.stack import CHAT, EXPORTERS, OPTIONAL, Stack
from tools.demo.stores import STORES
from tools.local.platforms import PLATFORMS
from tools.local.receiving import endpoints
from tools.recorder import ROOT
from tools.servers.build import SERVERS, BuildError
from tools.servers.find import NotHad, binary

OUT = ROOT / "build" / "demo"
CONTROL_PLANE = ("etcd", "kwok", *SERVERS["kubernetes"].packages)


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m tools.demo",
        description="Run the rendered stack `dev` on the real servers on this machine, with sample agents. Stop their"
        " model, show the notifications, and start it again. Without --seconds everything runs until Ctrl-C. The"
        f" summary is written to {OUT.relative_to(ROOT)}.",
    )
    parser.add_argument(
        "--seconds",
        type=float,
        metavar="SECONDS",
        help="run unattended: length of the show once everything is ready, at least"
        f" {SHORTEST:.0f}. The model is down for most of it. The exit status is 0 only if the alert and its resolution"
        " were notified",
    )
    parser.add_argument(
        "--systems",
        type=partial(_keys, known=STORES),
        default=(),
        metavar="SYSTEMS",
        help=f"also watch these, with a comma between them, on real servers: {', '.join(STORES)}",
    )
    parser.add_argument(
        "--platforms",
        type=partial(_keys, known=PLATFORMS),
        default=(),
        metavar="PLATFORMS",
        help=f"also watch a sample application of these, with a comma between them: {', '.join(PLATFORMS)}",
    )
    parser.add_argument("--out", type=Path, default=OUT, help="folder for summary.json and index.html")
    parser.add_argument("--refuse", action="store_true", help="the chat refuses messages, to show a failed delivery")
    given = parser.parse_args(arguments)
    if given.seconds is not None and given.seconds < SHORTEST:
        parser.error(f"--seconds {given.seconds:g}: at least {SHORTEST:.0f}, for the alert and its resolution")
    for ending in (signal.SIGINT, signal.SIGTERM):
        signal.signal(ending, _stop)
    try:
        _check(given.systems)
        return _run(given.seconds, given.out, given.systems, given.platforms, refuse=given.refuse)
    except KeyboardInterrupt:
        say("stopped; nothing is left running")
        return 130
    except (BuildError, NotHad, AssertionError, OSError) as problem:
        say(f"the demo has failed: {problem}")
        return 1


def _keys(text: str, known: Collection[str]) -> tuple[str, ...]:
    """Keys of systems, each once; raises argparse's error for one that the demo cannot show."""
    keys = tuple(dict.fromkeys(text.split(",")))
    if unknown := [key for key in keys if key not in known]:
        raise argparse.ArgumentTypeError(f"{', '.join(map(repr, unknown))}: the demo shows {', '.join(known)}")
    return keys


def say(text: str) -> None:
    print(text, flush=True)


def _stop(*_: object) -> NoReturn:
    """End once: a second signal must not interrupt the end of the servers."""
    for ending in (signal.SIGINT, signal.SIGTERM):
        signal.signal(ending, signal.SIG_IGN)
    raise KeyboardInterrupt


def _check(systems: Sequence[str]) -> None:
    """Find or compile all servers, and list the missing optional ones."""
    if shutil.which("openssl") is None:
        raise BuildError("`openssl` is not on the PATH: install it with your system's package manager")
    of_stores = (program for key in systems for program in (*STORES[key].programs, STORES[key].exporter))
    deployed = (*images.SERVERS.values(), *(images.ALL[exporter] for exporter in EXPORTERS))
    for name in (*CONTROL_PLANE, *of_stores, *(name for pinned in deployed for name in pinned.binaries)):
        try:
            binary(name)
        except NotHad as missing:
            if name not in OPTIONAL:
                raise
            say(f"without {name}: {missing.why}")


@contextmanager
def _started(services: str, systems: Sequence[str], platforms: Sequence[str]) -> Iterator[Stack]:
    """The stack below a temporary folder."""
    with tempfile.TemporaryDirectory(prefix="agent-observability-demo-") as folder:
        home, began = Path(folder), time.monotonic()
        stack = Stack(home, services, say, systems=systems, platforms=platforms)
        with stack.running():
            say(f"everything is ready after {time.monotonic() - began:.0f} s\n")
            yield stack


def _run(seconds: float | None, out: Path, systems: Sequence[str], platforms: Sequence[str], *, refuse: bool) -> int:
    with endpoints() as services:
        if refuse:
            services.refusals[CHAT] = (403, "invalid_token")
        with _started(services.url, systems, platforms) as stack:
            show = Show(stack, services, seconds, say)
            _screen(show)
            show.run()
            if seconds is None:
                say("\nEverything stays up until Ctrl-C.")
                with suppress(KeyboardInterrupt):  # the show is over
                    show.watch()
            summary = show.summary()
    _leave(summary, out)
    return _verdict(show)


def _screen(show: Show) -> None:
    """Print the addresses of the servers, and the figures so far."""
    for name, url in show.stack.urls().items():
        say(f"  {name:<31}{url}")
    say("")
    for what, number in show.numbers().items():
        say(f"  {number:>12g} {what}")
    say(f"  ({', '.join(show.stack.unanswerable)} are not up: nothing on this machine can answer for them)\n")


def _leave(summary: dict[str, Any], out: Path) -> None:
    out.mkdir(parents=True, exist_ok=True)
    (out / "summary.json").write_text(json.dumps(summary, indent=2), encoding="utf-8")
    (out / "index.html").write_text(page.page(summary), encoding="utf-8")
    say(f"\nsummary: {out / 'summary.json'} and {out / 'index.html'}")


def _verdict(show: Show) -> int:
    if not show.delivered:
        refused = [message for message in show.messages if not message.accepted]
        why = f": {refused[0].receiver} refused it" if refused else ": no message came"
        say(f"{ALERT} was not delivered{why}")
        return 1
    if not show.resolved:
        say(f"the resolution of {ALERT} was not delivered")
        return 1
    say(f"{ALERT} and its resolution were delivered")
    return 0


if __name__ == "__main__":
    sys.exit(main())
