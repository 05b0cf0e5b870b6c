"""The texts of notifications: ``messages.tmpl``, and the links in them that depend on the stack."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from model.quantities import Url

FILE = "messages.tmpl"
DATASOURCE = "Alertmanager"
"""Name of the datasource under which Grafana knows this Alertmanager."""


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
    return Path(__file__).with_name(FILE).read_text(encoding="utf-8") + "\n" + _silence(links)


def _silence(links: Links) -> str:
    """The link to the form for a silence, filled in with the common labels of the notification's alerts.

    There are two versions: HTML escapes a value by its context, and nothing may follow ``urlquery``, whose + means a
    space in forms only.
    """
    if links.alertmanager:
        begin = f"{str(links.alertmanager).rstrip('/')}/#/silences/new?filter=%7B"
        before, value, end = "{{ if $i }}%2C{{ end }}{{ .Name }}%3D", 'printf "%q" .Value', "%7D"
    else:
        begin = f"{str(links.grafana).rstrip('/')}/alerting/silence/new?alertmanager={links.silences}"
        before, value, end = "&matcher={{ .Name }}%3D", ".Value", ""
    escaped = {"": f'{value} | urlquery | reReplaceAll "\\\\+" "%20"', ".html": value}
    return "".join(
        f'{{{{ define "notify.silence{form}" }}}}{begin}{{{{ range $i, $label := .CommonLabels.SortedPairs }}}}'
        f"{before}{{{{ {way} }}}}{{{{ end }}}}{end}{{{{ end }}}}\n"
        for form, way in escaped.items()
    )
