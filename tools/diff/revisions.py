"""Renders of what is compared: a folder, a revision of this repository, or this checkout."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from tools.diff.renders import Render, Unusable, is_render, read, stack_of

LONGEST = 300
"""Seconds for one render; a stack of every system takes ten."""
_INSTALL = 900
"""Seconds to make an environment with another lock's packages."""
Say = Callable[[str], None]


@dataclass(frozen=True, kw_only=True)
class Side:
    """One of the two that are compared."""

    name: str
    """As it was given."""
    stacks: tuple[str, ...]
    """Stacks that it has."""
    render: Callable[[str], Render]
    """Renders or reads one of them. Raises Unusable."""
    single: bool = False
    """Whether it is the render of one stack, which is compared under whatever name."""


@contextmanager
def sides(old: str, new: str | None, root: Path, say: Say) -> Iterator[tuple[Side, Side]]:
    """Both sides, as long as the context lasts; ``new`` is this checkout if None. Raises Unusable."""
    with TemporaryDirectory(prefix="diff-") as made:
        folder = Path(made)
        before = _side(old, root, folder / "old", say)
        if new is None:
            yield before, _checkout(root, "this checkout", folder / "new", say)
        else:
            yield before, _side(new, root, folder / "new", say)


def _side(name: str, root: Path, scratch: Path, say: Say) -> Side:
    folder = Path(name)
    if folder.is_dir():
        return _folder(folder)
    commit = _git(root, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{name}^{{commit}}")
    if commit.returncode:
        raise Unusable(f"{name}: neither a folder nor a revision of this repository")
    scratch.mkdir()
    tree = _unpacked(root, commit.stdout.strip(), scratch)
    return _checkout(tree, name, scratch, say, _python(tree, root, name, say))


def _folder(folder: Path) -> Side:
    if is_render(folder):
        return Side(name=str(folder), stacks=(stack_of(folder),), render=lambda _: read(folder), single=True)
    within = {stack_of(each): each for each in sorted(folder.iterdir()) if each.is_dir() and is_render(each)}
    if not within:
        raise Unusable(f"{folder}: no render: neither it nor a folder in it has summary.json; `make render` writes one")
    return Side(name=str(folder), stacks=tuple(within), render=lambda stack: read(within[stack]))


def _checkout(tree: Path, name: str, scratch: Path, say: Say, python: str = sys.executable) -> Side:
    files = sorted(tree.glob("Pulumi.*.yaml"))
    stacks = tuple(path.name.removeprefix("Pulumi.").removesuffix(".yaml") for path in files)

    def render(stack: str) -> Render:
        say(f"{name}: rendering {stack}")
        return _rendered(tree, name, stack, scratch / stack, python)

    return Side(name=name, stacks=stacks, render=render)


def _rendered(tree: Path, name: str, stack: str, out: Path, python: str) -> Render:
    """Render a stack by the code of its own tree."""
    env = {key: value for key, value in os.environ.items() if key not in ("PYTHONPATH", "VIRTUAL_ENV")}
    command = [python, "-m", "tools.render", stack, "--out", str(out)]
    try:
        run = subprocess.run(  # noqa: S603  our own renderer
            command, cwd=tree, env=env, capture_output=True, text=True, timeout=LONGEST, check=False
        )
    except subprocess.TimeoutExpired:
        raise Unusable(f"{name}: stack {stack} was not rendered within {LONGEST} s") from None
    if run.returncode:
        said = "\n  ".join(run.stderr.strip().splitlines()[-10:])
        raise Unusable(f"{name}: stack {stack} cannot be rendered:\n  {said}")
    return read(out)


def _git(root: Path, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    git = shutil.which("git")
    if git is None:
        raise Unusable("git: not found: compare rendered folders, which needs none")
    return subprocess.run(  # noqa: S603  no shell
        [git, *arguments], cwd=root, env={**os.environ, **variables}, capture_output=True, text=True, check=False
    )


def _unpacked(root: Path, commit: str, scratch: Path) -> Path:
    """The files of a commit in a folder, by an index of its own: a worktree would be left behind if this is killed."""
    tree, index = scratch / "tree", {"GIT_INDEX_FILE": str(scratch / "index")}
    for step in (["read-tree", commit], ["checkout-index", "--all", f"--prefix={tree}/"]):
        done = _git(root, *step, **index)
        if done.returncode:
            raise Unusable(f"{commit}: cannot be read: {done.stderr.strip()}")
    return tree


def _python(tree: Path, root: Path, name: str, say: Say) -> str:
    """The interpreter with the packages of a tree: this one if the locks are equal."""
    locks = [side / "uv.lock" for side in (tree, root)]
    if all(lock.exists() for lock in locks) and locks[0].read_bytes() == locks[1].read_bytes():
        return sys.executable
    uv = shutil.which("uv") or str(root / ".tools" / "bin" / "uv")
    say(f"{name} locks other packages: making an environment with them")
    command = [uv, "sync", "--frozen", "--quiet", "--no-dev"]
    env = {key: value for key, value in os.environ.items() if key != "VIRTUAL_ENV"}
    try:
        run = subprocess.run(  # noqa: S603  no shell
            command, cwd=tree, env=env, capture_output=True, text=True, timeout=_INSTALL, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as wrong:
        raise Unusable(f"{name}: no environment: {wrong}") from None
    if run.returncode:
        raise Unusable(f"{name}: no environment: {run.stderr.strip()}")
    return str(tree / ".venv" / "bin" / "python")


def stacks_of(old: Side, new: Side, asked: Sequence[str]) -> list[str]:
    """The stacks to compare. Raises Unusable for one that neither side has."""
    known = sorted({*old.stacks, *new.stacks})
    for name in asked:
        if name not in known:
            raise Unusable(f"{name}: no such stack in {old.name} or {new.name}: {', '.join(known) or 'there is none'}")
    if asked:
        return list(dict.fromkeys(asked))
    for side in (new, old):
        if side.single:
            return list(side.stacks)
    return known


def rendered(old: Side, new: Side, stacks: Sequence[str]) -> list[tuple[Render | None, Render | None]]:
    """Both renders of each stack, None where a side does not have it. Renders run beside each other."""
    wanted = [(side, stack) for stack in stacks for side in (old, new)]
    both = old.single and new.single

    def one(side: Side, stack: str) -> Render | None:
        if stack not in side.stacks and not both:
            return None
        return side.render(stack)

    with ThreadPoolExecutor(max_workers=os.cpu_count()) as pool:
        made = list(pool.map(lambda each: one(*each), wanted))
    return list(zip(made[::2], made[1::2], strict=True))
