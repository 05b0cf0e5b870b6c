"""The pages for authors of applications: their programs run, and emit what the contract asks for."""

from __future__ import annotations

import json
import re
import subprocess
import sys

import pytest

from rules.systems import SYSTEMS
from tools.contract.check import problems
from tools.contract.reading import read
from tools.schema import PLATFORMS

CONTRACTS = {system.key: system.contract for system in SYSTEMS if system.contract}
ALONE = """
import json, sys
import prometheus_client
from google.protobuf.json_format import MessageToJson
from opentelemetry import metrics
from opentelemetry.exporter.otlp.proto.common.metrics_encoder import encode_metrics
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader

prometheus_client.start_http_server = lambda *_, **__: None
pushed = InMemoryMetricReader()
metrics.set_meter_provider(MeterProvider([pushed]))
exec(compile(sys.stdin.read(), "page", "exec"), {"__name__": "page"})
data = pushed.get_metrics_data()
print(json.dumps([prometheus_client.generate_latest().decode(), MessageToJson(encode_metrics(data)) if data else ""]))
"""
"""Runs the program of a page, and prints what it exposes and what it pushes."""


def examples() -> list[tuple[str, int, str]]:
    return [
        (platform, number, text)
        for platform in CONTRACTS
        for number, text in enumerate(
            re.findall(r"```python\n(.+?)```", (PLATFORMS / f"{platform}.md").read_text(encoding="utf-8"), re.DOTALL)
        )
    ]


@pytest.mark.parametrize(("platform", "number", "text"), examples(), ids=lambda part: str(part)[:20].split("\n")[0])
def test_a_program_of_a_page_emits_what_the_contract_asks_for(platform: str, number: int, text: str) -> None:
    done = subprocess.run([sys.executable, "-c", ALONE], input=text, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"program {number} of {platform}.md: {done.stderr}"
    contract = CONTRACTS[platform]
    assert contract
    known = {each.name for part in contract.parts for each in part.emits}
    seen = {name: found for each in json.loads(done.stdout) if each for name, found in read(each).items()}
    assert known & seen.keys(), "it emits some"
    assert [line for line in problems(contract, seen) if ": missing: " not in line] == []
