"""The stack's Grafana on this machine, with its datasources and dashboards provisioned from files."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from pathlib import Path

from tools.local.rendered import Rendered
from tools.local.server import LocalServer


def grafana(stack: Rendered, home: Path, urls: Mapping[str, str]) -> LocalServer:
    """One below ``home``, whose datasources (by uid) are at ``urls``. Everyone who can reach it may use it."""
    provisioning = home / "provisioning"
    rendered = stack.folder / "grafana"
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
    open_to_all = ("cfg:auth.anonymous.enabled=true", f"cfg:paths.provisioning={provisioning}")
    return LocalServer(stack, "grafana", home / "pod", faster=open_to_all)
