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
    """Where people open what a notification links to."""

    grafana: Url
    alertmanager: Url | None = None
    """Alertmanager's own pages, where something lets people in; Grafana's pages about it otherwise."""
    silences: str = DATASOURCE
    """Who keeps silences, as Grafana's pages name it."""


def messages(links: Links) -> str:
    """The template file."""
    return Path(__file__).with_name(FILE).read_text(encoding="utf-8") + "\n" + _silence(links)


def _silence(links: Links) -> str:
    """The page that makes a silence, filled in with the labels that all alerts of the notification share."""
    if links.alertmanager:
        begin = f"{str(links.alertmanager).rstrip('/')}/#/silences/new?filter=%7B"
        label = "{{ if $i }}%2C{{ end }}{{ .Name }}%3D%22{{ .Value | urlquery }}%22"
        end = "%7D"
    else:
        begin = f"{str(links.grafana).rstrip('/')}/alerting/silence/new?alertmanager={links.silences}"
        label, end = "&matcher={{ .Name }}%3D{{ .Value | urlquery }}", ""
    loop = "{{ range $i, $label := .CommonLabels.SortedPairs }}" + label + "{{ end }}"
    return f'{{{{ define "notify.silence" }}}}{begin}{loop}{end}{{{{ end }}}}\n'
