"""What a stack watches before its stack file changes any of it: the checks compare the file with that."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property

from components.settings.slos import SloSettings
from model.owners import Owners
from model.promql import Labels
from model.settings import Model
from model.slo import Slo
from rules.catalogue import series_of
from rules.system import Surroundings, Watched
from rules.systems import watch


@dataclass(frozen=True)
class Unchanged:
    """The rules of a stack without its overrides, owners and labels of alerts. They are built once for all checks."""

    surroundings: Surroundings
    systems: Model
    slos: tuple[Slo, ...] = ()
    """The stack file's own objectives."""

    @cached_property
    def watched(self) -> Watched:
        nobody = replace(self.surroundings, owners=Owners(), alert_labels={})
        return watch(dict(self.systems), nobody, {}, self.slos)

    @cached_property
    def series(self) -> Mapping[str, Labels]:
        """The labels of its series. Raises ValueError for an objective with labels that its series do not have."""
        return series_of(self.watched)

    def with_slos(self, slos: tuple[SloSettings, ...]) -> Unchanged:
        """The same with the stack file's objectives. Of two with one name, which is refused elsewhere, the first."""
        taken = {slo.name for slo in self.watched.slos}
        own = {each.name: each.slo for each in reversed(slos) if each.name not in taken}
        return replace(self, slos=tuple(own.values())) if own else self
