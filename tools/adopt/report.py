"""The result in words: what is carried over, and everything that is not."""

from __future__ import annotations

from collections.abc import Iterator

from tools.adopt.notes import Kind
from tools.adopt.result import Result


def figures(result: Result) -> Iterator[str]:
    """A line for each kind of thing."""
    yield "Carried over: " + ", ".join(f"{what} {count}" for what, count in result.carried.items())
    for kind in Kind:
        count = sum(line.kind is kind for line in result.notes.lines)
        yield f"{kind}: {count}"
    yield f"Secrets to set: {len(result.notes.secrets)}"


def report(result: Result) -> str:
    """All of it, as Markdown."""
    return "\n".join(
        ["# Adopted", "", *(f"- {line}" for line in figures(result)), *_notes(result), *_secrets(result), ""]
    )


def _notes(result: Result) -> Iterator[str]:
    for kind in Kind:
        lines = [line for line in result.notes.lines if line.kind is kind]
        if lines:
            yield from ("", f"## {kind}", "")
            yield from (f"- {line.where}: {line.why}" for line in lines)


def _secrets(result: Result) -> Iterator[str]:
    if not result.notes.secrets:
        return
    yield from ("", "## Secrets to set", "", "No secret is read or written. Set each, from where it is now:", "")
    for key, source in result.notes.secrets.items():
        if source.startswith("kubectl "):
            yield f"    {source} | pulumi config set --secret {key}"
        else:
            yield f"    pulumi config set --secret {key}    # {source}"
