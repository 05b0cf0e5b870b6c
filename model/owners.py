"""Who owns what, and the template that makes an alert's label ``owner`` of it when the alert fires."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from model.wildcards import expression

TEAM = r"[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?"
"""The name of a team: a Kubernetes label value, so that pods can name it."""
POD_TEAM = "namespace_workload_pod:kube_pod_labels:owner"
"""1 per pod that names its team: the recording's label ``owner``."""
_IF = "{{ if "


@dataclass(frozen=True, kw_only=True)
class Owners:
    """Who owns what: thing to team. Of several that fit an alert, the most specific wins, in the order of the fields.

    ``*`` stands for any text in services and namespaces.
    """

    alerts: Mapping[str, str] = field(default_factory=dict)
    targets: tuple[str, ...] = ()
    """Teams that may own targets of scrape jobs in the stack file: the label ``owner`` of these targets."""
    services: Mapping[str, str] = field(default_factory=dict)
    """``service`` or ``namespace/service``."""
    pod_label: str = ""
    """The pods' label that names their team; empty if there is none."""
    namespaces: Mapping[str, str] = field(default_factory=dict)
    systems: Mapping[str, str] = field(default_factory=dict)
    teams: tuple[str, ...] = ()
    """All teams. A pod that names another one has none."""


@dataclass(frozen=True)
class Claim:
    """A team owns an alert if ``labels``, joined by slashes, have one of ``values``; always if there are none."""

    team: str
    labels: tuple[str, ...] = ()
    values: tuple[str, ...] = ()

    @property
    def teams(self) -> tuple[str, ...]:
        return (self.team,)

    def label(self, otherwise: str) -> str:
        """The template of the label ``owner``; ``otherwise`` is the one of the next claims."""
        if not self.labels:
            return self.team
        text = ' "/" '.join(f"$labels.{label}" for label in self.labels)
        subject = text if len(self.labels) == 1 else f"(print {text})"
        fits = f'match "^({expression(self.values)})$" {subject}'
        begun = f"{{{{ if {fits} }}}}{self.team}"
        # A chain stays flat, and half as long as one within the other.
        if otherwise.startswith(_IF):
            return f"{begun}{{{{ else if {otherwise.removeprefix(_IF)}"
        return f"{begun}{{{{ else }}}}{otherwise}{{{{ end }}}}"


@dataclass(frozen=True)
class TargetClaim:
    """The team that the target's own label names owns the alert, if it is one of ``teams``."""

    teams: tuple[str, ...]

    def label(self, otherwise: str) -> str:
        """The same."""
        known = f'match "^({expression(self.teams)})$" $labels.owner'
        return f"{{{{ if {known} }}}}{{{{ $labels.owner }}}}{{{{ else }}}}{otherwise}{{{{ end }}}}"


@dataclass(frozen=True)
class PodClaim:
    """The team that the pods themselves name owns the alert, if they name one."""

    teams: tuple[str, ...]
    by: str
    """Label of the alert that names its pods: ``pod`` or ``workload``."""

    def label(self, otherwise: str) -> str:
        """The same. Prometheus asks only for alerts that fire, and of pods that disagree takes the first name."""
        asked = f'printf "{POD_TEAM}{{namespace=%q, {self.by}=%q}}" $labels.namespace $labels.{self.by}'
        found = '{{ . | first | label "owner" }}'
        return f'{{{{ with {asked} | query | sortByLabel "owner" }}}}{found}{{{{ else }}}}{otherwise}{{{{ end }}}}'


AnyClaim = Claim | TargetClaim | PodClaim


def label(claims: Sequence[AnyClaim], otherwise: str) -> str:
    """The template of the label ``owner``: of the first claim that holds, else ``otherwise``."""
    text = otherwise
    for claim in reversed(claims):
        text = claim.label(text)
    return text


def outcomes(claims: Sequence[AnyClaim], otherwise: str) -> Iterator[tuple[str, str]]:
    """Every owner that an alert may get, each with its namespace if that is known then, else an empty text."""
    for claim in claims:
        if isinstance(claim, Claim) and claim.labels[:1] == ("namespace",):
            yield from ((claim.team, value.partition("/")[0].replace("*", "any")) for value in claim.values)
        else:
            yield from ((team, "") for team in claim.teams)
        if isinstance(claim, Claim) and not claim.labels:
            return
    yield otherwise, ""
