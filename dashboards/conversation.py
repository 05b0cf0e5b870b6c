"""Dashboards of one conversation or trace, whose id is in the box."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import quote

from dashboards.model import Dashboard, Panel, Query, Row, Visualization, log_variables
from model.datasources import JAEGER, LOKI
from model.uids import HOME, DashboardUid
from rules.logs.uids import LOGS

_STREAMS = "{cluster=~`$cluster`, namespace=~`$namespace`, app=~`$app`}"
_ID = "${search:percentencode}"


@dataclass(frozen=True, kw_only=True)
class Records:
    """Where log lines have what belongs to a conversation: names of labels after ``found``."""

    found: str
    """LogQL after the streams: the lines with the id in the box."""
    input: str
    output: str
    cost: str
    model: str
    tool: str = ""


def dashboard(
    records: Records, *, uid: DashboardUid, title: str, tags: tuple[str, ...], related: tuple[DashboardUid, ...]
) -> Dashboard:
    """The dashboard of the conversations that ``records`` find."""
    # An empty box finds nothing, instead of every line without an id.
    of_it = f"{_STREAMS} {records.found} | label_format asked=`$search` | asked!=``"

    def summed(field: str, by: str = "asked") -> str:
        return f"sum by ({by}) (sum_over_time({of_it} | unwrap {field} [$__range]))"

    def counted(filters: str = "", by: str = "asked") -> str:
        return f"sum by ({by}) (count_over_time({of_it} {filters}[$__range]))"

    numbers = {
        "Prompt tokens": summed(records.input),
        "Completion tokens": summed(records.output),
        "Cost, USD": summed(records.cost),
        "Lines": counted(),
        "Errors": counted("| level=~`error|fatal` "),
    }
    tools = (
        Panel(
            title="Tools",
            description="Records of calls of tools.",
            visualization=Visualization.TABLE,
            queries=(Query(expr=counted(f"| {records.tool}!=`` ", records.tool), legend="Calls", datasource=LOKI),),
            columns=(records.tool,),
            width=6,
        ),
    )
    return Dashboard(
        uid=uid,
        title=title,
        description="Log lines, traces, tokens and cost of what has the id in the box.",
        tags=tags,
        time_from="now-24h",
        variables=log_variables("cluster", "namespace", "app"),
        search=True,
        related=(HOME, *related, LOGS),
        rows=(
            Row(
                "What it used",
                (
                    Panel(
                        title="In all",
                        description="Tokens and cost as its lines have them, and lines of level error or fatal.",
                        visualization=Visualization.STAT,
                        queries=tuple(Query(expr=expr, legend=name, datasource=LOKI) for name, expr in numbers.items()),
                        width=24,
                        height=4,
                    ),
                    Panel(
                        title="Tokens by model",
                        description="Prompts and completions.",
                        visualization=Visualization.TABLE,
                        queries=tuple(
                            Query(expr=summed(field, records.model), legend=name, datasource=LOKI)
                            for field, name in ((records.input, "Prompts"), (records.output, "Completions"))
                        ),
                        columns=(records.model,),
                        width=9,
                    ),
                    *(tools if records.tool else ()),
                    Panel(
                        title="Traces",
                        description=_traces(),
                        visualization=Visualization.TEXT,
                        width=9,
                    ),
                ),
            ),
            Row(
                "What happened",
                (
                    Panel(
                        title="Lines of the conversation",
                        description="Newest first. One with a trace id links to its trace.",
                        visualization=Visualization.LOGS,
                        queries=(Query(expr=of_it, datasource=LOKI),),
                        width=24,
                        height=20,
                    ),
                ),
            ),
        ),
    )


def _traces() -> str:
    by_tag, by_id = _jaeger('"queryType":"search","tags":"gen_ai.conversation.id=ID"'), _jaeger('"query":"ID"')
    return (
        f"If the id is a trace's: [its spans]({by_id}). If it is a conversation's:"
        f" [search for its spans]({by_tag}), which have it as `gen_ai.conversation.id`, and choose the service."
    )


def _jaeger(query: str) -> str:
    """A link to Explore, with the id where ``query`` has ID."""
    panes = (
        f'{{"a":{{"datasource":"{JAEGER.uid}","queries":[{{"refId":"A",{query}}}],'
        '"range":{"from":"now-24h","to":"now"}}}'
    )
    return f"/explore?schemaVersion=1&panes={quote(panes).replace('ID', _ID)}"
