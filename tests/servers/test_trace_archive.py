"""What somebody archives outlives the other traces; what a search cluster should delete is said so that it can."""

from __future__ import annotations

import json
import re
import time
import urllib.error
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import kubernetes_validate  # type: ignore[import-untyped]  # it carries no types
import pytest
import yaml

from components.images import JAEGER
from tests.servers.search import Search
from tests.servers.traces import SEARCH, SEARCH_ADDRESS, one, stack
from tools.local.harness import eventually, http_text
from tools.local.traces import Jaeger, Trace
from tools.recorder import ROOT

DOCUMENTED = (ROOT / "docs" / "traces.md").read_text(encoding="utf-8")


def archive(jaeger: Jaeger, trace: Trace) -> None:
    """As the button in the UI does it."""
    http_text(jaeger.url_of(16686, f"/api/archive/{trace.id.hex()}"), method="POST")


def page(jaeger: Jaeger) -> str:
    return http_text(jaeger.url_of(16686, "/search"))


def test_an_archived_trace_outlives_the_others_and_a_restart(tmp_path: Path) -> None:
    files = stack(tmp_path, storage={"badger": {"size": "1Gi", "ttl": "4s"}}, archive={"keep": "30d"})
    jaeger, archived, other = Jaeger(files, tmp_path / "jaeger"), one(1), one(2)
    with jaeger.running() as process:
        assert 'JAEGER_STORAGE_CAPABILITIES = {"archiveStorage":true}' in page(jaeger), "what shows the button"
        jaeger.send(archived, other)
        archive(jaeger, archived)
        eventually(lambda: jaeger.found(other) is None, 20, "retention of what was not archived")
        assert jaeger.stored("planner") == {}, "searches do not see the archive"
        assert len(jaeger.found(archived) or []) == 3, "but its address leads to all of it"
        process.kill()
    with jaeger.running():
        assert len(jaeger.found(archived) or []) == 3


def test_without_an_archive_there_is_no_button(tmp_path: Path) -> None:
    jaeger = Jaeger(stack(tmp_path, storage={"memory": {"traces": 100}}), tmp_path / "jaeger")
    with jaeger.running():
        assert 'JAEGER_STORAGE_CAPABILITIES = {"archiveStorage":false}' in page(jaeger)
        jaeger.send(one(1))
        with pytest.raises(urllib.error.HTTPError, match="500"):
            archive(jaeger, one(1))


# --- a search cluster, and what it should delete ---


@pytest.fixture(scope="module", params=["", "test-1"], ids=["bare", "prefixed"])
def indices(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Indices]:
    """The names that Jaeger uses, with a prefix and without."""
    home, prefix = tmp_path_factory.mktemp("search"), request.param
    search = Search("The OpenSearch Project: https://opensearch.org/", "2.18.0")
    storage = {"opensearch": SEARCH | ({"indexPrefix": prefix} if prefix else {})}
    with search.running() as address:
        files = stack(home, storage=storage, archive={"keep": "60d"})
        jaeger = Jaeger(files, home / "jaeger", addresses={SEARCH_ADDRESS: address})
        with jaeger.running():
            jaeger.send(one(1))
            eventually(lambda: [seen for seen in search.seen if "_bulk" in seen[0]], 15, "spans are written")
            with pytest.raises(urllib.error.HTTPError):  # this cluster finds nothing
                http_text(jaeger.url_of(16686, f"/api/traces/{one(1).id.hex()}"))
    return prefix, Indices(search)


class Indices:
    def __init__(self, search: Search) -> None:
        bulk = "".join(body for path, _, body in search.seen if "_bulk" in path)
        self.written = set(re.findall(r'"_index":"([^"]+)"', bulk))
        asked = "".join(body for path, _, body in search.seen if "_msearch" in path)
        self.read = set(re.findall(r'"([a-z0-9-]*jaeger-span-[0-9-]+)"', asked))


def named(prefix: str, text: str) -> str:
    """A documented policy, with a prefix put where the documentation says."""
    return text.replace("jaeger-span-", f"{prefix}-jaeger-span-").replace(
        "jaeger-service-", f"{prefix}-jaeger-service-"
    )


def fenced(language: str) -> str:
    (block,) = re.findall(rf"```{language}\n(.*?)```", DOCUMENTED, re.DOTALL)
    return str(block)


def test_the_archive_is_looked_through_for_as_long_as_it_keeps(indices: tuple[str, Indices]) -> None:
    prefix, found = indices
    name = f"{prefix}-archive" if prefix else "archive"
    days = {time.strftime("%Y-%m-%d", time.gmtime(time.time() - day * 86_400)) for day in range(60)}
    assert {f"{name}-jaeger-span-{day}" for day in days} <= found.read


def test_the_documented_policy_deletes_every_index_of_a_day_and_no_archive(indices: tuple[str, Indices]) -> None:
    prefix, found = indices
    text = fenced("json")
    policy = json.loads(named(prefix, text) if prefix else text)["policy"]
    patterns = [pattern for template in policy["ism_template"] for pattern in template["index_patterns"]]
    assert len(found.written) == 2, "a span's and a service's"
    for index in found.written:
        assert any(fnmatch(index, pattern) for pattern in patterns), f"{index} would stay for ever"
    archived = {index for index in found.read if "archive-" in index}
    assert archived
    assert not [index for index in archived if any(fnmatch(index, pattern) for pattern in patterns)]
    first, last = policy["states"]
    assert first["transitions"] == [{"state_name": last["name"], "conditions": {"min_index_age": "4d"}}]
    assert last["actions"] == [{"delete": {}}]


def test_the_documented_job_is_one_that_kubernetes_takes() -> None:
    job: dict[str, Any] = yaml.safe_load(fenced("yaml"))
    kubernetes_validate.validate(job, "1.36", strict=True)
    (container,) = job["spec"]["jobTemplate"]["spec"]["template"]["spec"]["containers"]
    assert container["image"].rpartition(":")[2] == JAEGER.image.tag, "of the version that writes the indices"
    assert container["args"][0] == "4"
