"""The classic modules of Grafana's SDK, imported without the warning that a newer schema exists.

The newer schema is still a beta in the deployed Grafana (docs/decisions/0007).
"""

from __future__ import annotations

import warnings

with warnings.catch_warnings():
    warnings.simplefilter("ignore", DeprecationWarning)
    from grafana_foundation_sdk.builders import (
        common,
        heatmap,
        logs,
        loki,
        prometheus,
        stat,
        statetimeline,
        table,
        text,
        timeseries,
    )
    from grafana_foundation_sdk.builders import dashboard as sdk
    from grafana_foundation_sdk.cog.encoder import JSONEncoder
    from grafana_foundation_sdk.models import common as commons
    from grafana_foundation_sdk.models import dashboard as models
    from grafana_foundation_sdk.models import prometheus as promql
    from grafana_foundation_sdk.models.text import TextMode

__all__ = [
    "JSONEncoder",
    "TextMode",
    "common",
    "commons",
    "heatmap",
    "logs",
    "loki",
    "models",
    "prometheus",
    "promql",
    "sdk",
    "stat",
    "statetimeline",
    "table",
    "text",
    "timeseries",
]
