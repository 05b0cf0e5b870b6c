"""A Grafana on this machine with the stack's datasources and dashboards, provisioned from files."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from tools.local.harness import Process, free_port, http_text

FOLDERS = (Path("/usr/share/grafana"), Path("/usr/local/share/grafana"), Path("/opt/homebrew/share/grafana"))
"""Folders in which packages put Grafana's files besides the binary."""


class Grafana:
    """A Grafana below ``home``, whose datasources (by uid) are at ``urls``. Everyone who can reach it may use it."""

    def __init__(self, binary: Path, rendered: Path, home: Path, urls: Mapping[str, str]) -> None:
        self.url = f"http://127.0.0.1:{free_port()}"
        self._binary, self._home = binary, home
        provisioning = home / "provisioning"
        shutil.copytree(rendered / "dashboards", home / "dashboards")
        sources = [json.loads(path.read_text()) for path in sorted((rendered / "datasources").iterdir())]
        files = {
            "datasources": {
                "datasources": [
                    {
                        **{key: source[key] for key in ("name", "type", "uid", "isDefault")},
                        "access": source["accessMode"],
                        "url": urls[source["uid"]],
                        "jsonData": json.loads(source["jsonDataEncoded"]),
                    }
                    for source in sources
                ]
            },
            "dashboards": {
                "providers": [
                    {"name": "stack", "folder": "agent-observability", "options": {"path": str(home / "dashboards")}}
                ]
            },
        }
        for kind, content in files.items():
            (provisioning / kind).mkdir(parents=True)
            text = json.dumps({"apiVersion": 1, **content})  # JSON is YAML
            (provisioning / kind / "stack.yaml").write_text(text)

    @contextmanager
    def running(self) -> Iterator[Process]:
        """Started and ready; ended on exit."""
        beside = (self._binary.resolve().parents[1], *FOLDERS)
        installed = next((folder for folder in beside if (folder / "conf" / "defaults.ini").is_file()), None)
        env = {
            "GF_SERVER_HTTP_ADDR": "127.0.0.1",
            "GF_SERVER_HTTP_PORT": self.url.rpartition(":")[2],
            "GF_PATHS_DATA": str(self._home / "data"),
            "GF_PATHS_LOGS": str(self._home / "logs"),
            "GF_PATHS_PLUGINS": str(self._home / "plugins"),
            "GF_PATHS_PROVISIONING": str(self._home / "provisioning"),
            "GF_AUTH_ANONYMOUS_ENABLED": "true",
            "GF_ANALYTICS_REPORTING_ENABLED": "false",
            "GF_ANALYTICS_CHECK_FOR_UPDATES": "false",
        }
        argv = [str(self._binary), "server", *([f"--homepath={installed}"] if installed else [])]
        with Process(argv, log=self._home / "log", env=env) as process:
            process.ready(lambda: http_text(f"{self.url}/api/health"), within=120)
            yield process
