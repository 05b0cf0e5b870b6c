"""Platforms that the demo watches if it is asked to: their sample applications, as pods like the sample agents."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from functools import partial
from http.client import HTTPException
from pathlib import Path
from threading import Event, Thread
from typing import Any

from tools.demo.platform import Agents
from tools.local.control_plane import ControlPlane
from tools.local.harness import Process, free_port, listens
from tools.local.platforms import PLATFORMS, Program
from tools.recorder import ROOT

PERIOD = 0.3
"""Seconds between two steps of a user."""


class Applications:
    """Those of the platforms ``keys``; each program is a process, and a Deployment of the simulated cluster."""

    def __init__(self, plane: ControlPlane, home: Path, keys: Sequence[str]) -> None:
        self._plane, self._home = plane, home
        self.platforms = [PLATFORMS[key] for key in keys]
        self._ports = {program.name: free_port() for program in self._programs}
        self.addresses = {name: f"127.0.0.1:{port}" for name, port in self._ports.items()}
        """By program."""
        self.redirect: dict[str, dict[str, str]] = {}
        """By scrape job, where its targets are by their label `service`."""
        for program in self._programs:
            if program.job:
                places = self.redirect.setdefault(program.job, {})
                places[f"service={program.name}"] = self.addresses[program.name]

    @property
    def _programs(self) -> list[Program]:
        return [program for platform in self.platforms for program in platform.programs]

    def deploy(self) -> None:
        """Create their pods and Services."""
        for namespace in dict.fromkeys(program.namespace for program in self._programs):
            self._plane.namespace(namespace)
        if objects := [each for program in self._programs for each in program.manifests()]:
            self._plane.apply(*objects)

    @contextmanager
    def running(self, agents: Agents) -> Iterator[None]:
        """All processes, and their users. They push to where the ``agents`` do, who write their logs too."""
        self._home.mkdir(parents=True)
        over = Event()
        with ExitStack() as exits:
            started = {}
            for platform in self.platforms:
                for program in platform.programs:
                    pod, log = self._pod(program), self._home / f"{program.name}.log"
                    env = {"OTEL_RESOURCE_ATTRIBUTES": f"k8s.pod.uid={pod['metadata']['uid']},k8s.container.name=main"}
                    argv = platform.argv(program, self.addresses[program.name], agents.otlp)
                    started[program.name] = process = exits.enter_context(Process(argv, log=log, env=env, cwd=ROOT))
                    exits.callback(process.kill)  # nothing is kept, so nothing needs time to end
                    agents.ship(log, pod)
            for name, process in started.items():
                process.ready(partial(listens, self._ports[name]), within=60)
            users = [Thread(target=self._use, args=(each.use, over)) for each in self.platforms if each.use]
            try:
                for user in users:
                    user.start()
                yield
            finally:
                over.set()
                for user in users:
                    user.join()

    def _pod(self, program: Program) -> dict[str, Any]:
        chosen = ",".join(f"{label}={value}" for label, value in program.pod_labels.items())
        (pod,) = self._plane.get("pods", f"--namespace={program.namespace}", f"--selector={chosen}")["items"]
        return dict(pod)

    def _use(self, use: Callable[[dict[str, str]], object], over: Event) -> None:
        while not over.wait(PERIOD):
            with suppress(OSError, HTTPException):  # somebody has killed it
                use(self.addresses)
