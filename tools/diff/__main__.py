"""Says in words what a change does to each stack.

OLD and NEW are revisions of this repository or rendered folders: a folder of ``make render``, or one with several of
them. Without NEW, this checkout is compared as it stands. Revisions are rendered by their own code.

The exit status is 0 if the stacks were compared, 1 if they cannot be, 2 for wrong arguments, and 3 if a gate of
--forbid refuses a change.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from tools.diff import engine
from tools.diff.compare import GATES, difference
from tools.diff.formats import FORMATS
from tools.diff.renders import Unusable
from tools.diff.revisions import rendered, sides, stacks_of

ROOT = Path(__file__).parents[2]
"""The checkout; the recorder, which names it too, takes a second to import."""
REFUSED = 3


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m tools.diff", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("old", metavar="OLD", help="revision or rendered folder")
    parser.add_argument("new", metavar="NEW", nargs="?", help="the same (default: this checkout)")
    parser.add_argument("--stack", action="append", default=[], help="a stack to compare, repeatable (default: all)")
    parser.add_argument("--format", choices=sorted(FORMATS), default="text", help="(default: text)")
    gates = ", ".join(GATES)
    parser.add_argument(
        "--forbid",
        metavar="GATE",
        action="append",
        default=[],
        choices=[*GATES, "all"],
        help=f"refuse such changes, unless the stack file gives a new reason in `accepted`; repeatable: {gates}, all",
    )
    parser.add_argument(
        "--preview",
        metavar="STACK=FILE",
        action="append",
        default=[],
        type=_preview,
        help="output of `pulumi preview --json` for a stack, whose replacements and deletions are added; repeatable",
    )
    chosen = parser.parse_args(arguments)
    forbidden = GATES if "all" in chosen.forbid else tuple(gate for gate in GATES if gate in chosen.forbid)
    try:
        previews = {stack: engine.steps(path) for stack, path in chosen.preview}
        with sides(chosen.old, chosen.new, ROOT, _say) as (old, new):
            stacks = stacks_of(old, new, [*chosen.stack, *(previews if chosen.stack else ())])
            pairs = rendered(old, new, stacks)
    except Unusable as wrong:
        print(wrong, file=sys.stderr)
        return 1
    found = [difference(stack, *pair, steps=previews.get(stack, ())) for stack, pair in zip(stacks, pairs, strict=True)]
    sys.stdout.write(FORMATS[chosen.format](found, forbidden))
    return REFUSED if any(each.refused(forbidden) for each in found) else 0


def _preview(text: str) -> tuple[str, Path]:
    stack, separator, path = text.partition("=")
    if not (stack and separator and path):
        raise argparse.ArgumentTypeError(f"{text}: STACK=FILE")
    return stack, Path(path)


def _say(progress: str) -> None:
    print(progress, file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
