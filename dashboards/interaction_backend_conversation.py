"""One conversation: its log lines, traces, tokens and cost."""

from __future__ import annotations

from urllib.parse import quote

from dashboards.model import Dashboard, Panel, Query, Row, Visualization, log_variables
from model.datasources import JAEGER, LOKI
from model.metrics import Unit
from model.uids import HOME
from rules.interaction_backend.uids import CONVERSATION, INTERACTION
from rules.logs.uids import LOGS

_LINES = '{cluster=~"$cluster", namespace=~"$namespace", app=~"$app"}'
# An empty box finds nothing, instead of every line.
_OF_IT = f"{_LINES} | conversation_id=`$search` | conversation_id!=``"
_SPANS = quote(
    f'{{"a":{{"datasource":"{JAEGER.uid}","queries":[{{"refId":"A","queryType":"search",'
    '"tags":"gen_ai.conversation.id=SEARCH"}],"range":{"from":"now-24h","to":"now"}}}'
).replace("SEARCH", "${search:percentencode}")


def _sum(field: str, by: str = "conversation_id") -> str:
    return f"sum by ({by}) (sum_over_time({_OF_IT} | unwrap {field} [$__range]))"


def _stat(title: str, description: str, expr: str, unit: Unit = Unit.NONE) -> Panel:
    return Panel(
        title=title,
        description=description,
        visualization=Visualization.STAT,
        queries=(Query(expr=expr, datasource=LOKI),),
        unit=unit,
        width=6,
        height=4,
    )


DASHBOARD = Dashboard(
    uid=CONVERSATION,
    title="Interaction backend: one conversation",
    description="Log lines, traces, tokens and cost of the conversation whose id is in the box.",
    tags=("interaction_backend",),
    time_from="now-24h",
    variables=log_variables("cluster", "namespace", "app"),
    search=True,
    related=(HOME, INTERACTION, LOGS),
    rows=(
        Row(
            "What it used",
            (
                _stat("Prompt tokens", "By its log lines.", _sum("input_tokens")),
                _stat("Completion tokens", "By its log lines.", _sum("output_tokens")),
                _stat("Cost", "USD, as its log lines have it.", _sum("cost_usd"), Unit.CURRENCY),
                _stat("Log lines", "With its id.", f"sum by (conversation_id) (count_over_time({_OF_IT} [$__range]))"),
                Panel(
                    title="Tokens by model",
                    description="Prompts and completions.",
                    visualization=Visualization.TABLE,
                    queries=tuple(
                        Query(expr=_sum(f"{way}_tokens", "model"), legend=name, datasource=LOKI)
                        for way, name in (("input", "Prompts"), ("output", "Completions"))
                    ),
                    columns=("model",),
                    width=12,
                ),
                Panel(
                    title="Traces",
                    description="Spans carry the conversation's id as `gen_ai.conversation.id`."
                    f" [Search for its spans](/explore?schemaVersion=1&panes={_SPANS}) and choose the service."
                    " Each line below leads to the trace of its request.",
                    visualization=Visualization.TEXT,
                    width=12,
                ),
            ),
        ),
        Row(
            "What happened",
            (
                Panel(
                    title="Lines of the conversation",
                    description="Newest first.",
                    visualization=Visualization.LOGS,
                    queries=(Query(expr=_OF_IT, datasource=LOKI),),
                    width=24,
                    height=20,
                ),
            ),
        ),
    ),
)
