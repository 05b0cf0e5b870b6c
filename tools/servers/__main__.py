"""Find or compile all servers, print the path of each and list the missing ones. See CONTRIBUTING.md."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from components import images
from model.cluster import Images
from tools import stack_file
from tools.recorder import ROOT
from tools.servers.build import BuildError
from tools.servers.find import NotHad, find, known
from tools.servers.pull import PullError, pull


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tools.servers", description=__doc__)
    parser.add_argument("--from", dest="source", choices=["images"], help="take servers from the stack's images first")
    parser.add_argument("--stack", default="dev", help="stack whose registry is used (default: dev)")
    parser.add_argument("--write", action="store_true", help="record the images' digests")
    given = parser.parse_args(arguments)
    problems = _pulled(given.stack, write=given.write) if given.source else []
    for name in known():
        try:
            print(find(name), flush=True)
        except NotHad as missing:
            print(missing, flush=True)
        except BuildError as problem:
            problems.append(str(problem))
    for each in problems:
        print(each, file=sys.stderr)
    return 1 if problems else 0


def _pulled(stack: str, *, write: bool) -> list[str]:
    """Take all servers from their images; returns the errors."""
    registry: Images = stack_file.settings(ROOT / f"Pulumi.{stack}.yaml").cluster.images
    problems = []
    for server, pinned in images.ALL.items():
        try:
            print(f"{pinned.reference(registry)} is {pull(server, registry, write=write)}", flush=True)
        except PullError as problem:
            problems.append(str(problem))
    return problems


if __name__ == "__main__":
    sys.exit(main())
