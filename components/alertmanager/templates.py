"""The texts of notifications: ``messages.tmpl``, and the links in them that depend on the stack."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from model.incident import AFTER_SECONDS, ALERT, BEFORE_SECONDS, HANDED, PANEL
from model.quantities import Url
from model.uids import INCIDENT

FILE = "messages.tmpl"
DATASOURCE = "Alertmanager"
"""Name of the datasource under which Grafana knows this Alertmanager."""

_PANEL = "viewPanel=panel-[0-9]+"
"""The part of a runbook's link that names its panel, if the runbook is on a dashboard of this stack."""


@dataclass(frozen=True)
class Links:
    """URLs of the links in a notification."""

    grafana: Url
    alertmanager: Url | None = None
    """URL of Alertmanager's own pages, if people can reach them. Otherwise links lead to Grafana's pages for it."""
    silences: str = DATASOURCE
    """The Alertmanager that keeps silences, by its name in Grafana."""


def messages(links: Links) -> str:
    """The template file."""
    return Path(__file__).with_name(FILE).read_text(encoding="utf-8") + "\n" + _silence(links) + _incident(links)


def _escaped(value: str) -> dict[str, str]:
    """Template actions that write a value into a link, by the ending of the template's name.

    There are two versions: HTML escapes a value by its context, and nothing may follow ``urlquery``, whose + means a
    space in forms only.
    """
    return {"": f'{value} | urlquery | reReplaceAll "\\\\+" "%20"', ".html": value}


def _silence(links: Links) -> str:
    """The link to the form for a silence, filled in with the common labels of the notification's alerts."""
    if links.alertmanager:
        begin = f"{str(links.alertmanager).rstrip('/')}/#/silences/new?filter=%7B"
        before, value, end = "{{ if $i }}%2C{{ end }}{{ .Name }}%3D", 'printf "%q" .Value', "%7D"
    else:
        begin = f"{str(links.grafana).rstrip('/')}/alerting/silence/new?alertmanager={links.silences}"
        before, value, end = "&matcher={{ .Name }}%3D", ".Value", ""
    return "".join(
        f'{{{{ define "notify.silence{form}" }}}}{begin}{{{{ range $i, $label := .CommonLabels.SortedPairs }}}}'
        f"{before}{{{{ {way} }}}}{{{{ end }}}}{end}{{{{ end }}}}\n"
        for form, way in _escaped(value).items()
    )


def _incident(links: Links) -> str:
    """The link to the incident dashboard of one alert: its labels, its runbook's panel, and the time around it."""
    begin = f"{str(links.grafana).rstrip('/')}/d/{INCIDENT}?var-{ALERT}="
    handed = f'{{{{ range .Labels.SortedPairs }}}}{{{{ if match "^({"|".join(HANDED)})$" .Name }}}}'
    panel = f'{{{{ with .Annotations.runbook_url }}}}{{{{ if match "{_PANEL}" . }}}}&var-{PANEL}='
    from_, to = (f"{seconds * 10**9}" for seconds in (-BEFORE_SECONDS, AFTER_SECONDS))
    time = (
        f'&from={{{{ (.StartsAt.Add {from_}).UnixMilli }}}}&to={{{{ if eq .Status "firing" }}}}now{{{{ else }}}}'
        f"{{{{ (.EndsAt.Add {to}).UnixMilli }}}}{{{{ end }}}}"
    )
    named, valued, found = (
        _escaped(each) for each in (".Labels.alertname", ".Value", f'. | reReplaceAll ".*({_PANEL}).*" "$1"')
    )
    return "".join(
        f'{{{{ define "notify.incident{form}" }}}}{begin}{{{{ {named[form]} }}}}'
        f"{handed}&var-{{{{ .Name }}}}={{{{ {valued[form]} }}}}{{{{ end }}}}{{{{ end }}}}"
        f"{panel}{{{{ {found[form]} }}}}{{{{ end }}}}{{{{ end }}}}{time}{{{{ end }}}}\n"
        for form in named
    )
