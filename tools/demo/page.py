"""The summary of a demo as one page of HTML: charts in SVG, light and dark, without external files."""

from __future__ import annotations

import html
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

WIDTH, LEFT, RIGHT = 720, 46, 18
"""Sizes of every chart in units of its view box, so that a time is at the same place in all of them."""
HEIGHT, TOP, BOTTOM = 132, 10, 22
LANE = 34

Points = Sequence[tuple[float, float]]

STYLE = """
:root { color-scheme: light dark; --page: #f6f7f9; --card: #fff; --text: #1c2330; --soft: #5b6678; --line: #dfe3ea;
  --first: #1f6feb; --second: #0f9d8a; --bad: #d1441f; --pending: #c98a00; --outage: #d1441f1c; --good: #1a7f4b; }
@media (prefers-color-scheme: dark) { :root { --page: #11151c; --card: #1a2029; --text: #e6eaf1; --soft: #9aa6b8;
  --line: #2c3542; --first: #6aa5ff; --second: #35c9b2; --bad: #ff7a52; --pending: #e5ad34; --outage: #ff7a5224;
  --good: #4cc486; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--page); color: var(--text); font: 15px/1.5 system-ui, sans-serif; }
main { max-width: 1040px; margin: 0 auto; padding: 32px 20px 48px; }
h1 { font-size: 26px; line-height: 1.25; margin: 0 0 6px; }
h2 { font-size: 15px; margin: 0 0 8px; }
p { margin: 0 0 20px; color: var(--soft); max-width: 70ch; }
.verdict { display: inline-block; margin-bottom: 10px; padding: 2px 10px; border-radius: 999px; font-weight: 600;
  font-size: 13px; color: var(--card); background: var(--good); }
.verdict.bad { background: var(--bad); }
.tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(112px, 1fr)); gap: 10px; margin-bottom: 18px; }
.tile, section { background: var(--card); border: 1px solid var(--line); border-radius: 10px; }
.tile { padding: 10px 14px; } .tile b { display: block; font-size: 21px; font-variant-numeric: tabular-nums; }
.tile span { color: var(--soft); font-size: 13px; }
section { padding: 14px 16px; margin-bottom: 14px; }
svg { display: block; width: 100%; height: auto; }
svg text { fill: var(--soft); font: 10px system-ui, sans-serif; }
svg .name { fill: var(--text); }
.grid { stroke: var(--line); } .outage { fill: var(--outage); } .told { stroke: var(--soft); stroke-dasharray: 2 3; }
.curve { fill: none; stroke-width: 2; stroke-linejoin: round; }
.first { stroke: var(--first); } .second { stroke: var(--second); } .bad { stroke: var(--bad); }
.firing { fill: var(--bad); } .pending { fill: var(--pending); }
.legend { float: right; font-weight: 400; color: var(--soft); font-size: 13px; }
.legend i { display: inline-block; width: 14px; height: 0; margin: 0 5px 3px 12px; border-top: 3px solid; }
.legend .first { color: var(--first); } .legend .second { color: var(--second); } .legend .bad { color: var(--bad); }
.messages { display: grid; grid-template-columns: repeat(auto-fit, minmax(320px, 1fr)); gap: 12px; }
.message { border-left: 4px solid var(--bad); padding: 2px 0 2px 12px; overflow-wrap: anywhere; }
.message.over { border-color: var(--good); } .message.refused { opacity: .6; }
.message pre { margin: 4px 0 0; white-space: pre-wrap; font: 13px/1.45 system-ui, sans-serif; color: var(--soft); }
table { border-collapse: collapse; width: 100%; font-size: 14px; } td { padding: 3px 12px 3px 0; vertical-align: top; }
td:first-child { color: var(--soft); white-space: nowrap; text-align: right; width: 1%; }
"""


def page(summary: Mapping[str, Any]) -> str:
    """The page, from the summary of a show."""
    good = summary["delivered"] and summary["resolved"]
    verdict = "delivered, and resolved" if good else "not delivered" if not summary["delivered"] else "not resolved"
    parts = [
        f'<span class="verdict{"" if good else " bad"}">{summary["alert"]}: {verdict}</span>',
        "<h1>A model outage, and who was notified</h1>",
        f"<p>{html.escape(_story(summary))}</p>",
        f'<div class="tiles">{"".join(_tile(what, number) for what, number in summary["numbers"].items())}</div>',
        _section("Alerts on the agents", _lanes(summary), [("firing", "bad")]),
        *(_chart(title, lines, summary) for title, lines in summary["charts"].items()),
        _section("Notifications", f'<div class="messages">{"".join(map(_message, summary["messages"]))}</div>'),
        _section("Events", f"<table>{''.join(map(_row, summary['events']))}</table>"),
    ]
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>agent-observability: a demo</title><style>{STYLE}</style></head>\n"
        f"<body><main>\n{chr(10).join(parts)}\n</main></body></html>\n"
    )


def _story(summary: Mapping[str, Any]) -> str:
    """The times between the events."""
    at = {event["kind"]: event["at"] for event in reversed(summary["events"])}
    told = [message for message in summary["messages"] if message["accepted"] and summary["alert"] in message["title"]]
    parts = [f"The stack {summary['stack']}, as it is rendered, on the real servers; sample agents at work."]
    if "broken" in at and told:
        parts.append(f"{told[0]['receiver']} was notified {told[0]['at'] - at['broken']:.0f} s after the model's end")
        if "mended" in at and summary["resolved"]:
            parts.append(f"and of the resolution {told[-1]['at'] - at['mended']:.0f} s after it was started again")
    return parts[0] + (" " + " ".join(parts[1:]) + "." if parts[1:] else "")


def _tile(what: str, number: float) -> str:
    shown = f"{number:,.2f}" if what == "USD" else f"{number / 1000:,.0f} k" if number >= 100_000 else f"{number:,.0f}"
    return f'<div class="tile"><b>{shown}</b><span>{html.escape(what)}</span></div>'


def _section(title: str, body: str, legend: Iterable[tuple[str, str]] = ()) -> str:
    shown = "".join(f'<i class="{colour}"></i>{html.escape(name)}' for name, colour in legend)
    return f'<section><h2>{html.escape(title)}<span class="legend">{shown}</span></h2>{body}</section>'


def _x(summary: Mapping[str, Any], at: float) -> float:
    share: float = at / summary["seconds"]
    return LEFT + (WIDTH - LEFT - RIGHT) * min(max(share, 0), 1)


def _backdrop(summary: Mapping[str, Any], height: float) -> str:
    """The background of all charts: the outage, the notifications, and the time axis."""
    at = {event["kind"]: event["at"] for event in reversed(summary["events"])}
    made = []
    if "broken" in at:
        left, right = _x(summary, at["broken"]), _x(summary, at.get("mended", summary["seconds"]))
        made.append(
            f'<rect class="outage" x="{left:.1f}" y="{TOP}" width="{right - left:.1f}" height="{height - TOP}"/>'
        )
    for message in summary["messages"]:
        x = _x(summary, message["at"])
        made.append(f'<line class="told" x1="{x:.1f}" x2="{x:.1f}" y1="{TOP}" y2="{height}"/>')
    step = _nice(summary["seconds"] / 8)
    for number in range(int(summary["seconds"] / step) + 1):
        x = _x(summary, number * step)
        made.append(f'<text x="{x:.1f}" y="{height + 15}" text-anchor="middle">{number * step:g} s</text>')
    return "".join(made)


def _chart(title: str, lines: Mapping[str, Points], summary: Mapping[str, Any]) -> str:
    floor = HEIGHT - BOTTOM
    top = _nice(max([value for points in lines.values() for _, value in points] or [1]))
    made = [_backdrop(summary, floor)]
    for share in (0, 0.5, 1):
        y = floor - share * (floor - TOP)
        made.append(f'<line class="grid" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>')
        made.append(f'<text x="{LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{top * share:g}</text>')
    legend = []
    for number, (name, points) in enumerate(lines.items()):
        colour = "bad" if name == "failed" else ("first", "second")[number]
        legend.append((name, colour))
        path = " ".join(f"{_x(summary, at):.1f},{floor - value / top * (floor - TOP):.1f}" for at, value in points)
        made.append(f'<polyline class="curve {colour}" points="{path}"/>')
    return _section(title, _svg(title, HEIGHT, made), legend)


def _lanes(summary: Mapping[str, Any]) -> str:
    """One bar per alert, while it was pending or firing."""
    names = list(dict.fromkeys(change["name"] for change in summary["alerts"]))
    floor = TOP + LANE * max(len(names), 1)
    made = [_backdrop(summary, floor)]
    for lane, name in enumerate(names):
        changes = [change for change in summary["alerts"] if change["name"] == name]
        ends = [*(change["at"] for change in changes[1:]), summary["seconds"]]
        y = TOP + LANE * lane
        for change, end in zip(changes, ends, strict=True):
            if change["state"] != "inactive":
                left, right = _x(summary, change["at"]), _x(summary, end)
                width = max(right - left, 1)
                bar = f'x="{left:.1f}" y="{y + 19}" width="{width:.1f}" height="10" rx="3"'
                made.append(f'<rect class="{change["state"]}" {bar}/>')
        made.append(f'<text class="name" x="{LEFT}" y="{y + 14}">{html.escape(name)}</text>')
    return _svg("Alerts", floor + BOTTOM, made)


def _svg(title: str, height: float, parts: Iterable[str]) -> str:
    return f'<svg viewBox="0 0 {WIDTH} {height:g}" role="img" aria-label="{html.escape(title)}">{"".join(parts)}</svg>'


def _message(message: Mapping[str, Any]) -> str:
    """A message in the style of Slack or PagerDuty: links by their text, bold type."""
    kind = " refused" if not message["accepted"] else "" if "FIRING" in message["title"] else " over"
    text = re.sub(r"<[^|>]+\|([^>]+)>", r"\1", message["text"]).replace("*", "").strip()
    head = f"{message['at']:.0f} s, {message['receiver']}{', refused' if not message['accepted'] else ''}"
    return (
        f'<div class="message{kind}"><small>{html.escape(head)}</small><br><b>{html.escape(message["title"])}</b>'
        f"<pre>{html.escape(text)}</pre></div>"
    )


def _row(event: Mapping[str, Any]) -> str:
    return f"<tr><td>{event['at']:.0f} s</td><td>{html.escape(event['what'])}</td></tr>"


def _nice(number: float) -> float:
    """The next larger of 1, 2, 5, 10, 20 ..."""
    if number <= 0:
        return 1
    size = 10.0 ** math.floor(math.log10(number))
    return next(step * size for step in (1, 2, 5, 10) if step * size >= number * 0.999)
