"""Scrape jobs that are refused, each with the line that a platform engineer reads."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from components.settings.stack import read
from tests.wrong import IN_PLAIN, JOB, LONGER, ONE_SOURCE, REFERENCE, problems, stack_file

SERVICE = "service: {name: shop, port: 80}"
TAKEN = "another label: the stack sets it"
SELECTED = "another label: alerts and dashboards select by it"
IN_THE_OPEN = "in production no password or token crosses the network in plain"
SECRETS = ("slackUrl", "remoteToken", "key", "ca", "cert")


def job(fields: str) -> dict[str, Any]:
    """A valid stack file whose one scrape job has these fields and a name."""
    made = stack_file()
    made["prometheus"]["scrapeJobs"] = [{"name": "shop", **yaml.safe_load(f"{{{fields}}}")}]
    return made


WRONG = [
    # Where the targets are.
    ("path: /m", f"{JOB}: {ONE_SOURCE}, not none"),
    (f"{SERVICE}, targets: ['a:1']", f"{JOB}: {ONE_SOURCE}, not targets and service"),
    ("service: {name: shop}", f"{JOB}.service: port, portName or containerPortName: exactly one of them"),
    (
        "service: {name: shop, port: 80, portName: web}",
        f"{JOB}.service: port, portName or containerPortName: exactly one of them",
    ),
    (
        "service: {name: shop, portName: web, containerPortName: web}",
        f"{JOB}.service: port, portName or containerPortName: exactly one of them",
    ),
    ("pods: {selector: {app: a}}", f"{JOB}.pods: port or portName: exactly one of them"),
    ("service: {port: 80}", f"{JOB}.service: name or selector: exactly one of them"),
    ("service: {name: a, selector: {app: a}, port: 80}", f"{JOB}.service: name or selector: exactly one of them"),
    ("pods: {port: 80}", f"{JOB}.pods.selector: is required"),
    ("pods: {port: 80, selector: {}}", f"{JOB}.pods.selector: {{}}: at least 1 of them"),
    ("pods: {port: 0, selector: {app: a}}", f"{JOB}.pods.port: 0: at least 1"),
    ("pods: {portName: Web, selector: {app: a}}", f'{JOB}.pods.portName: "Web": the name of a port, like metrics'),
    ("http: {url: 'https://a.example.com'}", f"{JOB}.http.ports: is required"),
    (
        "http: {url: 'http://a.example.com', ports: [1], tls: {caSecret: ca}}",
        f'{JOB}.http.url: "http://a.example.com": an https URL with tls',
    ),
    ("dns: {names: [], port: 1}", f"{JOB}.dns.names: []: at least 1 of them"),
    ("dns: {names: [a b], port: 1}", f'{JOB}.dns.names[0]: "a b": a DNS name like _http._tcp.example.com'),
    ("dns: {names: [a], port: 1, type: MX}", f'{JOB}.dns.type: "MX": one of A, AAAA or SRV'),
    ("dns: {names: [a], port: 1, refresh: 0s}", f'{JOB}.dns.refresh: "0s": {LONGER}'),
    ("ec2: {region: eu}", f"{JOB}.ec2.port: is required"),
    ("ec2: {region: eu, port: 1, filters: {a: []}}", f"{JOB}.ec2.filters.a: []: at least 1 of them"),
    (
        "azure: {subscriptionId: a, port: 1, clientId: b, authentication: WorkloadIdentity}",
        f'{JOB}.azure.clientId: "b": none with WorkloadIdentity, which takes it from',
    ),
    ("gce: {project: a, zones: [], port: 1}", f"{JOB}.gce.zones: []: at least 1 of them"),
    ("file: {groups: []}", f"{JOB}.file.groups: []: at least 1 of them"),
    (
        "file: {groups: [{targets: [a]}]}",
        f'{JOB}.file.groups[0].targets[0]: "a": a host and port like api.agents.svc:8080',
    ),
    (
        f"file: {{groups: [{{targets: {['a:1'] * 600}}}, {{targets: {['b:1'] * 401}}}]}}",
        f"{JOB}.file.groups: 1001: at most 1000 targets together: make another job",
    ),
    # Logins.
    (
        f"{SERVICE}, bearerTokenSecret: key, basicAuth: {{username: a, passwordSecret: key}}",
        f"{JOB}: {{...}}: one of basicAuth, bearerTokenSecret, header, not basicAuth and bearerTokenSecret",
    ),
    (f"{SERVICE}, bearerToken: abc", f"{JOB}.bearerToken: {IN_PLAIN} bearerTokenSecret, {REFERENCE}"),
    (
        f"{SERVICE}, header: {{name: X-Key, valueSecret: key, value: abc}}",
        f"{JOB}.header.value: {IN_PLAIN} valueSecret, {REFERENCE}",
    ),
    (
        f"{SERVICE}, header: {{name: 'X Key', valueSecret: key}}",
        f'{JOB}.header.name: "X Key": the name of a header like X-API-Key',
    ),
    (
        f"{SERVICE}, header: {{name: authorization, valueSecret: key}}",
        f'{JOB}.header.name: "authorization": basicAuth or bearerTokenSecret',
    ),
    (f"{SERVICE}, tls: {{caSecret: ca}}", f'{JOB}.scheme: "http": https with tls'),
    (
        f"{SERVICE}, scheme: https, tls: {{certSecret: cert}}",
        f"{JOB}.tls: {{...}}: certSecret and keySecret belong together: give both or none",
    ),
    (
        f"{SERVICE}, scheme: https, tls: {{caSecret: ca, serverName: a, insecureSkipVerify: true}}",
        f"{JOB}.tls.insecureSkipVerify: true: false with caSecret and serverName, which it makes useless",
    ),
    (f"{SERVICE}, params: {{api_token: [a]}}", f"{JOB}.params.api_token: (hidden): a parameter without a secret:"),
    (
        "targets: ['a.example.com:1'], bearerTokenSecret: key",
        f'{JOB}.scheme: "http": https with a login, or service or pods: {IN_THE_OPEN}',
    ),
    (
        "http: {url: 'http://a.example.com', ports: [1], bearerTokenSecret: key}",
        f'{JOB}.http.url: "http://a.example.com": an https URL with a login: {IN_THE_OPEN}',
    ),
    # What is asked, and what is stored.
    (f"{SERVICE}, path: metrics", f'{JOB}.path: "metrics": a path like /metrics, with its parameters in params'),
    (f"{SERVICE}, path: '/m?a=b'", f'{JOB}.path: "/m?a=b": a path like /metrics, with its parameters in params'),
    (f"{SERVICE}, timeout: 31s", f'{JOB}.timeout: "31s": a duration of at most the interval, 30s'),
    (f"{SERVICE}, timeout: 0s", f'{JOB}.timeout: "0s": {LONGER}'),
    (f"{SERVICE}, limits: {{samples: 0}}", f"{JOB}.limits.samples: 0: at least 1"),
    (f"{SERVICE}, labels: {{cluster: a}}", f'{JOB}.labels.cluster: "cluster": {TAKEN}'),
    (
        f"{SERVICE}, labels: {{owner: a}}",
        f'{JOB}.labels.owner: "owner": another label: the job\'s owner is a setting of its own',
    ),
    (f"{SERVICE}, labels: {{__a: b}}", f'{JOB}.labels.__a: "__a": another label: it is lost after relabelling'),
    (f"{SERVICE}, labels: {{a: ''}}", f'{JOB}.labels.a: "": a label value of 1 to 500 characters on one line'),
    (f"{SERVICE}, allow: [a], deny: [b, a]", f'{JOB}.deny[1]: "a": a metric that allow does not name'),
    (
        f"{SERVICE}, owner: 'a b'",
        f'{JOB}.owner: "a b": a team of at most 63 letters, digits, dashes, underscores and dots',
    ),
    # Relabelling.
    (f"{SERVICE}, relabel: [{{regex: a}}]", f'{JOB}.relabel[0].action: "replace": with it, targetLabel'),
    (
        f"{SERVICE}, relabel: [{{action: keep, sourceLabels: [a], targetLabel: b, replacement: c}}]",
        f'{JOB}.relabel[0].action: "keep": without replacement and targetLabel, which it does not read',
    ),
    (
        f"{SERVICE}, relabel: [{{action: hashmod, sourceLabels: [a], targetLabel: b}}]",
        f'{JOB}.relabel[0].action: "hashmod": with it, modulus',
    ),
    (
        f"{SERVICE}, metricRelabel: [{{action: labeldrop, regex: 'a(?!b)'}}]",
        f'{JOB}.metricRelabel[0].regex: "a(?!b)": a regular expression without look-around',
    ),
    (
        f"{SERVICE}, metricRelabel: [{{action: labeldrop, regex: '.*ster|job'}}]",
        f'{JOB}.metricRelabel[0].regex: ".*ster|job": what leaves cluster, job: alerts and dashboards select by it',
    ),
    (
        f"{SERVICE}, metricRelabel: [{{action: labelkeep, regex: 'cluster|environment|job'}}]",
        f'{JOB}.metricRelabel[0].regex: "cluster|environment|job": what leaves instance: ',
    ),
    (
        f"{SERVICE}, relabel: [{{sourceLabels: [a], targetLabel: job}}]",
        f'{JOB}.relabel[0].targetLabel: "job": {SELECTED}',
    ),
    (
        f"{SERVICE}, relabel: [{{sourceLabels: [a], targetLabel: 'a-b'}}]",
        f'{JOB}.relabel[0].targetLabel: "a-b": a label name, which may have groups like $1 in it',
    ),
]


@pytest.mark.parametrize(("fields", "said"), WRONG, ids=[fields[:90] for fields, _ in WRONG])
def test_a_wrong_scrape_job_is_explained(fields: str, said: str) -> None:
    (found,) = problems(job(fields), SECRETS)
    assert found.startswith(said)


def test_all_that_is_wrong_with_two_jobs_is_said_at_once() -> None:
    first = job(f"{SERVICE}, targets: ['a:1'], tls: {{caSecret: ca}}, timeout: 1m, allow: [a], deny: [a]")
    second = job("relabel: [{action: keep, targetLabel: job}]")["prometheus"]["scrapeJobs"][0]
    first["prometheus"]["scrapeJobs"].append(second | {"name": "other"})
    found = [line.partition(":")[0] for line in problems(first, SECRETS)]
    other = "prometheus.scrapeJobs[1]"
    assert found == [
        JOB,
        f"{JOB}.scheme",
        f"{JOB}.timeout",
        f"{JOB}.deny[0]",
        other,
        f"{other}.relabel[0].action",
        f"{other}.relabel[0].action",
        f"{other}.relabel[0].targetLabel",
    ]


def test_a_wrong_job_hides_no_alert_that_reaches_nobody() -> None:
    file = job("path: metrics")
    file["notifications"]["routes"] = [{"receiver": "on-call", "severity": ["critical"]}]
    found = [line.partition(":")[0] for line in problems(file, SECRETS)]
    assert {f"{JOB}.path", "notifications.routes"} <= set(found)


@pytest.mark.parametrize(
    "fields",
    [
        f"{SERVICE}, bearerTokenSecret: key",
        "pods: {selector: {app: a}, portName: web}, header: {name: X-API-Key, valueSecret: {name: keys, key: a}}",
        "targets: ['a.example.com:1'], scheme: https, bearerTokenSecret: key, tls: {insecureSkipVerify: true}",
        f"{SERVICE}, relabel: [{{sourceLabels: [a], targetLabel: '__param_$1', regex: '(?i)x(.+)'}}]",
        f"{SERVICE}, metricRelabel: [{{action: labelkeep, regex: 'cluster|environment|job|instance|__name__|a.*'}}]",
        f"{SERVICE}, metricRelabel: [{{action: labelmap, regex: 'k8s_(.+)', replacement: '$1'}}]",
        f"{SERVICE}, metricRelabel: [{{action: keepequal, sourceLabels: [a], targetLabel: b}}]",
        f"{SERVICE}, interval: 5m, timeout: 5m",
    ],
)
def test_what_is_fine_is_taken(fields: str) -> None:
    read(job(fields), SECRETS)
