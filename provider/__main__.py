"""Serves the whole stack as a component to programs in any language."""

import sys
from importlib.metadata import version
from typing import Any

from agent_observability.components.any_language import Stack
from agent_observability.components.settings.stack import Refused
from pulumi import ResourceOptions
from pulumi.errors import InputPropertiesError
from pulumi.provider import main
from pulumi.provider.experimental.component import ComponentProvider
from pulumi.provider.provider import ConstructResult
from pulumi.provider.server import ComponentInitError


class Provider(ComponentProvider):
    """Says what is wrong with the settings in plain text, and not as a failure of this program."""

    def construct(
        self, name: str, resource_type: str, inputs: Any, options: ResourceOptions | None = None
    ) -> ConstructResult:
        try:
            return super().construct(name, resource_type, inputs, options)
        except ComponentInitError as failed:
            if not isinstance(failed.inner, Refused):
                raise
            wrong = (problem.partition(": ") for problem in failed.inner.problems)
            raise InputPropertiesError(
                "settings", [{"property_path": f"settings.{path}", "reason": reason} for path, _, reason in wrong]
            ) from None


main(Provider([Stack], "observability", version=version("agent-observability")), sys.argv[1:])
