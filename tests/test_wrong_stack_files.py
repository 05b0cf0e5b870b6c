"""Wrong stack files, each with the lines that a platform engineer reads; the first word says where to look."""

from __future__ import annotations

import re
from typing import Any

import pytest

from components import images
from components.kubernetes import labels, selector
from components.prometheus.config import prometheus_yml
from components.settings.checks import OWN_EXTERNAL_LABELS, OWN_LABELS
from components.settings.stack import Refused, read
from rules.systems import SYSTEMS
from tools.local.rendered import loaded

SECRETS = ("slackUrl", "remoteToken")
"""The secrets of the stack."""
VALID = """
cluster: {name: prod-1, environment: prod, context: prod, flavour: eks}
prometheus:
  storage: 100Gi
  externalLabels: {team: platform}
  remoteWrite: [{name: mimir, url: https://mimir.example.com/push, bearerTokenSecret: remoteToken}]
  scrapeJobs: [{name: agents, targets: ["agents.apps.svc:8080"], interval: 10s}]
systems: {kubernetes: {}, nodes: {}}
alerts: {TargetDown: {for: 10m, severity: critical}, PrometheusRulesFailing: off}
notifications:
  receivers: [{name: on-call, webhook: {urlSecret: slackUrl}}, {name: heartbeat, deadMan: {urlSecret: slackUrl}}]
  routes: [{receiver: on-call}]
slos: [{name: checkout, objective: 99.9, total: requests_total, errors: failures_total, owner: shop}]
"""

DURATION = "a duration like 15s, 6h or 7d"
BYTES = "an amount of bytes like 512Mi, 20Gi or 20GiB"
CPU = "an amount of CPU like 250m, 0.5 or 2"
URL = "a URL like https://metrics.example.com/api/v1/write"
ADDRESS = "a host and port like api.agents.svc:8080"
RANGE = "a range of addresses like 10.0.0.0/8"
NAME = "a name of at most 63 lower-case letters, digits and dashes"
DNS_NAME = "a name of at most 253 lower-case letters, digits, dashes and dots, like fast.example.com"
METRIC = (
    "the whole name of a metric or a pattern of it, like node_softnet_.+: at most 200 letters, digits, underscores,"
    " colons and . * + ? | ( ) [ ]"
)
LABEL_NAME = "a label name of letters, digits and underscores"
LABEL_VALUE = "a Kubernetes label value of at most 63 characters"
QUALIFIED = "a Kubernetes name like example.com/team"
REGISTRY = "a host and optional path like mirror.example.com/quay"
REFERENCE = "the name of a top-level secret of this stack, or {name, key} of an existing Kubernetes Secret"
IN_PLAIN = "(hidden): a secret is never given in plain: use"
INSIDE = "(hidden): holds a secret: give that a top-level key of its own, and name the key here"
SET_IN_PLAIN = "is in plain text in the stack file: set it with pulumi config set --secret"
OVER_HTTP = "an https URL: in production no password or token crosses the network in plain"
INTERVAL = "a duration from 1s to 2m: after 5m without sample a series is gone"
LONGER = "a duration longer than 0s"
FREE = "a label that neither the stack nor Kubernetes sets itself"
EXTERNAL = "a label that the stack does not set itself: cluster, environment, prometheus_replica are"
OVERRIDE = "off, or a mapping with critical, warning, info, for, severity, owner, labels or exclude"
KEYS = ", ".join(system.key for system in SYSTEMS)
SECTIONS = (
    "cluster, prometheus, alertmanager, grafana, collector, jaeger, loki, logs, systems, alerts, owners, "
    "notifications, slos, content"
)
HOOK = "notifications.receivers[0].webhook"
REMOTE = "prometheus.remoteWrite[0]"
JOB = "prometheus.scrapeJobs[0]"
ONE_SOURCE = "exactly one of targets, service, pods, http, dns, ec2, azure, gce, file"


def changed(base: Any, changes: Any) -> Any:
    """``base`` with ``changes`` in it, mappings key by key; a list changes in the positions that it has."""
    if isinstance(base, dict) and isinstance(changes, dict):
        return base | {key: changed(base.get(key), value) for key, value in changes.items()}
    if isinstance(base, list) and isinstance(changes, list) and changes:
        return [changed(*pair) for pair in zip(base, changes, strict=False)] + changes[len(base) :]
    return changes


def stack_file(changes: str = "") -> dict[str, Any]:
    made: dict[str, Any] = changed(loaded(VALID), loaded(changes) or {})
    return made


def problems(config: dict[str, Any], secrets: tuple[str, ...] | None = SECRETS) -> list[str]:
    with pytest.raises(Refused) as refused:
        read(config, secrets)
    return refused.value.problems


# A change of the valid file, as YAML, and what is said about it.
WRONG: list[tuple[str, str]] = [
    # Durations.
    ("prometheus: {retention: {time: 7 days}}", f'prometheus.retention.time: "7 days": {DURATION}'),
    ("prometheus: {retention: {time: 7}}", f"prometheus.retention.time: 7: {DURATION}"),
    ("prometheus: {retention: {time: ''}}", f'prometheus.retention.time: "": {DURATION}'),
    ("prometheus: {retention: {time: -1d}}", f'prometheus.retention.time: "-1d": {DURATION}'),
    ("prometheus: {retention: {time: 1m1h}}", f'prometheus.retention.time: "1m1h": {DURATION}'),
    ('prometheus: {retention: {time: "7d\\n"}}', f'prometheus.retention.time: "7d\\n": {DURATION}'),
    ("prometheus: {retention: {time: 300y}}", 'prometheus.retention.time: "300y": a duration of at most 100y'),
    ("prometheus: {retention: {time: 0d}}", f'prometheus.retention.time: "0s": {LONGER}'),
    ("prometheus: {queries: {timeout: 0s}}", f'prometheus.queries.timeout: "0s": {LONGER}'),
    ("prometheus: {scrapeInterval: 0s}", f'prometheus.scrapeInterval: "0s": {LONGER}'),
    ("prometheus: {evaluationInterval: 0m}", f'prometheus.evaluationInterval: "0s": {LONGER}'),
    ("prometheus: {scrapeInterval: 10m}", f'prometheus.scrapeInterval: "10m": {INTERVAL}'),
    ("prometheus: {evaluationInterval: 100ms}", f'prometheus.evaluationInterval: "100ms": {INTERVAL}'),
    ("prometheus: {scrapeJobs: [{interval: 5ms}]}", f'{JOB}.interval: "5ms": a duration of at least 1s'),
    ("prometheus: {scrapeJobs: [{interval: 0s}]}", f'{JOB}.interval: "0s": {LONGER}'),
    ("alertmanager: {retention: 0s}", f'alertmanager.retention: "0s": {LONGER}'),
    ("notifications: {groupInterval: 0s}", f'notifications.groupInterval: "0s": {LONGER}'),
    ("alerts: {TargetDown: {for: soon}}", f'alerts.TargetDown.for: "soon": {DURATION}'),
    # Amounts of bytes.
    ("prometheus: {storage: 20}", f"prometheus.storage: 20: {BYTES}"),
    ("prometheus: {storage: '20'}", f'prometheus.storage: "20": {BYTES}'),
    ("prometheus: {storage: 20 Gi}", f'prometheus.storage: "20 Gi": {BYTES}'),
    ("prometheus: {storage: 20gb}", f'prometheus.storage: "20gb": {BYTES}'),
    ("prometheus: {storage: 0Gi}", f'prometheus.storage: "0Gi": {BYTES}'),
    ("prometheus: {storage: -5Gi}", f'prometheus.storage: "-5Gi": {BYTES}'),
    ("prometheus: {storage: 9000Pi}", 'prometheus.storage: "9000Pi": an amount of bytes of at most 1024Pi'),
    ("prometheus: {limits: {bodySize: big}}", f'prometheus.limits.bodySize: "big": {BYTES}'),
    # Processor.
    *(
        (
            f"prometheus: {{resources: {{requests: {{cpu: {raw}, memory: 1Gi}}, limits: {{memory: 1Gi}}}}}}",
            f"prometheus.resources.requests.cpu: {said}: {CPU}",
        )
        for raw, said in {"2 cores": '"2 cores"', "0": "0", "0.0001": "0.0001", "-1": "-1", "yes": "true"}.items()
    ),
    # Names of metrics.
    ("prometheus: {keep: some}", 'prometheus.keep: "some": one of known or all'),
    *(
        (f"prometheus: {{also: [up, '{raw}']}}", f'prometheus.also[1]: "{raw}": {METRIC}')
        for raw in (
            "",
            "node cpu",
            "^up$",
            "a{2,3}",
            "(?i)up",
            "(?=a)",
            "a*+",
            "a**",
            "[[:alpha:]]",
            "[",
            "a]",
            "up{job}",
            "ü",
        )
    ),
    (f"prometheus: {{also: ['{'a' * 201}']}}", f'prometheus.also[0]: "{"a" * 56}...: {METRIC}'),
    (
        "prometheus: {also: ['(a']}",
        'prometheus.also[0]: "(a": a regular expression (missing ), unterminated subpattern at position 0)',
    ),
    (
        "prometheus: {also: ['a)']}",
        'prometheus.also[0]: "a)": a regular expression (unbalanced parenthesis at position 1)',
    ),
    ("prometheus: {also: ['|*']}", 'prometheus.also[0]: "|*": a regular expression (nothing to repeat at position 1)'),
    (
        "prometheus: {also: ['[z-a]']}",
        'prometheus.also[0]: "[z-a]": a regular expression (bad character range z-a at position 1)',
    ),
    ("prometheus: {also: up}", 'prometheus.also: "up": a list'),
    # Addresses.
    ("prometheus: {remoteWrite: [{url: mimir/push}]}", f'{REMOTE}.url: "mimir/push": {URL}'),
    ("prometheus: {remoteWrite: [{url: 'ftp://mimir/push'}]}", f'{REMOTE}.url: "ftp://mimir/push": {URL}'),
    ("prometheus: {remoteWrite: [{url: 'https://:80/push'}]}", f'{REMOTE}.url: "https://:80/push": {URL}'),
    ("prometheus: {remoteWrite: [{url: 'https://a:99999'}]}", f'{REMOTE}.url: "https://a:99999": {URL}'),
    ("prometheus: {remoteWrite: [{url: 'https://a b/push'}]}", f'{REMOTE}.url: "https://a b/push": {URL}'),
    ("prometheus: {scrapeJobs: [{targets: [api]}]}", f'{JOB}.targets[0]: "api": {ADDRESS}'),
    ("prometheus: {scrapeJobs: [{targets: ['api:0']}]}", f'{JOB}.targets[0]: "api:0": {ADDRESS}'),
    ("prometheus: {scrapeJobs: [{targets: ['api:65536']}]}", f'{JOB}.targets[0]: "api:65536": {ADDRESS}'),
    ("prometheus: {scrapeJobs: [{targets: ['http://a:80']}]}", f'{JOB}.targets[0]: "http://a:80": {ADDRESS}'),
    ("prometheus: {scrapeJobs: [{targets: ['::1:80']}]}", f'{JOB}.targets[0]: "::1:80": {ADDRESS}'),
    ("prometheus: {scrapeJobs: [{targets: ['10.0.0.300:80']}]}", f'{JOB}.targets[0]: "10.0.0.300:80": {ADDRESS}'),
    ("cluster: {network: {nodes: [10.0.0.0]}}", f'cluster.network.nodes[0]: "10.0.0.0": {RANGE}'),
    ("cluster: {network: {nodes: [10.0.0.0/33]}}", f'cluster.network.nodes[0]: "10.0.0.0/33": {RANGE}'),
    (
        "cluster: {network: {apiServer: [10.1.0.0/16, 10.1.2.3/16]}}",
        f'cluster.network.apiServer[1]: "10.1.2.3/16": {RANGE}; this address lies in 10.1.0.0/16',
    ),
    ("cluster: {images: {registry: 'https://mirror'}}", f'cluster.images.registry: "https://mirror": {REGISTRY}'),
    ("cluster: {images: {registry: mirror/}}", f'cluster.images.registry: "mirror/": {REGISTRY}'),
    ("cluster: {images: {registry: ''}}", f'cluster.images.registry: "": {REGISTRY}'),
    (
        "cluster: {images: {digests: {promtheus: 'sha256:%s'}}}" % ("a" * 64),
        f'cluster.images.digests.promtheus: "sha256:{"a" * 49}...: one of {", ".join(sorted(images.ALL))}',
    ),
    (
        "cluster: {images: {digests: {prometheus: 'md5:0'}}}",
        'cluster.images.digests.prometheus: "md5:0": a digest: sha256: and 64 hexadecimal digits in lower case',
    ),
    # Names and labels.
    ("cluster: {environment: Prod}", f'cluster.environment: "Prod": {NAME}'),
    ("cluster: {namespaces: {stack: obs_1}}", f'cluster.namespaces.stack: "obs_1": {NAME}'),
    (
        "cluster: {storageClass: -fast}",
        'cluster.storageClass: "-fast": the name of a StorageClass, or "" for volumes without one',
    ),
    ("cluster: {name: prod 1}", f'cluster.name: "prod 1": {LABEL_VALUE}'),
    ("cluster: {labels: {team: a/b}}", f'cluster.labels.team: "a/b": {LABEL_VALUE}'),
    ("cluster: {labels: {team: 7}}", f"cluster.labels.team: 7: {LABEL_VALUE}"),
    ("cluster: {labels: {my team: a}}", f'cluster.labels.my team: "my team": {QUALIFIED}'),
    ("cluster: {nodeSelector: {/pool: a}}", f'cluster.nodeSelector./pool: "/pool": {QUALIFIED}'),
    ("prometheus: {annotations: {team: 7}}", "prometheus.annotations.team: 7: text"),
    ("prometheus: {externalLabels: {a-b: c}}", f'prometheus.externalLabels.a-b: "a-b": {LABEL_NAME}'),
    ("notifications: {groupBy: [alert name]}", f'notifications.groupBy[0]: "alert name": {LABEL_NAME}'),
    (
        "cluster: {name: ''}",
        'cluster.name: "": a name: it is the cluster label of every series',
    ),
    # Unknown and missing keys.
    ("promethus: {}", "promethus: unknown key: did you mean prometheus?"),
    ("thanos: {}", f"thanos: unknown key: one of {SECTIONS}"),
    ("prometheus: {scrape_interval: 30s}", "prometheus.scrape_interval: unknown key: did you mean scrapeInterval?"),
    ("prometheus: {retention: {tme: 7d}}", "prometheus.retention.tme: unknown key: did you mean time?"),
    ("prometheus: {retention: {x: 7d}}", "prometheus.retention.x: unknown key: one of time, size"),
    (
        "prometheus: {remoteWrite: [{queue: {maxShard: 2}}]}",
        f"{REMOTE}.queue.maxShard: unknown key: did you mean maxShards?",
    ),
    ("alerts: {TargetDown: {sevrity: info}}", "alerts.TargetDown.sevrity: unknown key: did you mean severity?"),
    ("prometheus: {1: 2}", "prometheus.1: a key that is text: put it in quotes"),
    ("prometheus: {scrapeJobs: [{}, {name: b}]}", f"prometheus.scrapeJobs[1]: {ONE_SOURCE}, not none"),
    ("prometheus: {remoteWrite: [{}, {name: b}]}", "prometheus.remoteWrite[1].url: is required"),
    # Numbers and words.
    ("prometheus: {replicas: 0}", "prometheus.replicas: 0: at least 1"),
    ("prometheus: {replicas: 9}", "prometheus.replicas: 9: at most 4"),
    ("prometheus: {replicas: 1.5}", "prometheus.replicas: 1.5: a whole number"),
    ("prometheus: {replicas: '2'}", 'prometheus.replicas: "2": a whole number'),
    ("prometheus: {replicas: true}", "prometheus.replicas: true: a whole number"),
    ("alertmanager: {replicas: 6}", "alertmanager.replicas: 6: at most 5"),
    ("prometheus: {limits: {samples: 0}}", "prometheus.limits.samples: 0: at least 1"),
    ("notifications: {receivers: [{webhook: {port: 70000}}, {}]}", f"{HOOK}.port: 70000: at most 65535"),
    ("notifications: {receivers: [{webhook: {sendResolved: 1}}, {}]}", f"{HOOK}.sendResolved: 1: true or false"),
    ("prometheus: {logLevel: verbose}", 'prometheus.logLevel: "verbose": one of debug, info, warn or error'),
    (
        "cluster: {flavour: openshift}",
        'cluster.flavour: "openshift": one of kind, minikube, k3s, microk8s, kubeadm, eks, gke or aks',
    ),
    ("cluster: {network: {kubeletPort: 0}}", "cluster.network.kubeletPort: 0: at least 1"),
    ("cluster: {network: {apiServerPorts: [65536]}}", "cluster.network.apiServerPorts[0]: 65536: at most 65535"),
    ("cluster: {context: 1}", "cluster.context: 1: text"),
    # Wrong containers.
    ("cluster: eks", 'cluster: "eks": a mapping'),
    ("prometheus: null", "prometheus: null: a mapping"),
    ("prometheus: [{replicas: 1}]", "prometheus: [...]: a mapping"),
    ("prometheus: {labels: [a]}", "prometheus.labels: [...]: a mapping"),
    ("prometheus: {retention: 7d}", 'prometheus.retention: "7d": a mapping'),
    ("prometheus: {scrapeJobs: {name: a}}", "prometheus.scrapeJobs: {...}: a list"),
    ("prometheus: {scrapeJobs: [{targets: []}]}", f"{JOB}.targets: []: at least 1 of them"),
    ("prometheus: {storage: {size: 1Gi}}", f"prometheus.storage: {{...}}: {BYTES}"),
    ("systems: [kubernetes]", "systems: [...]: a mapping"),
    ("alerts: 'off'", 'alerts: "off": a mapping'),
    ("slos: none", 'slos: "none": a list'),
    ("slos: [checkout]", 'slos[0]: "checkout": a mapping'),
    # Resources.
    (
        "prometheus: {resources: {requests: {cpu: 1, memory: 4Gi}, limits: {memory: 2Gi}}}",
        'prometheus.resources.limits.memory: "2Gi": at least the request, 4Gi',
    ),
    (
        "alertmanager: {resources: {requests: {cpu: 2, memory: 1Gi}, limits: {cpu: 500m, memory: 1Gi}}}",
        'alertmanager.resources.limits.cpu: "500m": at least the request, 2',
    ),
    (
        "systems: {nodes: {resources: {requests: {cpu: 1}, limits: {memory: 1Gi}}}}",
        "systems.nodes.resources.requests: {...}: cpu and memory: without them any node looks large enough",
    ),
    (
        "systems: {nodes: {resources: {requests: {cpu: 1, memory: 1Gi}, limits: {}}}}",
        "systems.nodes.resources.limits: {}: memory: without it one server takes the whole node down",
    ),
    ("prometheus: {resources: {limits: {memory: 1Gi}}}", "prometheus.resources.requests: is required"),
    # Secrets: where they come from, and never in plain.
    *(
        (f"notifications: {{receivers: [{{webhook: {{urlSecret: {given}}}}}, {{}}]}}", f"{HOOK}.urlSecret: {said}")
        for given, said in {
            "https://hooks.slack.com/services/T0/B0/XyZ": f"(hidden): {REFERENCE}",
            "glsa_1a2b3c4d5e6f7g8h9i0j": f"(hidden): {REFERENCE}",
            "correct horse battery": f"(hidden): {REFERENCE}",
            "12345": f"(hidden): {REFERENCE}",
            "[slackUrl]": f"(hidden): {REFERENCE}",
            "{secure: 'v1:abc'}": INSIDE,
            "hunter2": "(hidden): no such secret in this stack: the name of one set with pulumi config set --secret",
            "slackURL": "(hidden): no such secret in this stack: did you mean slackUrl?",
            "pagerKey": '"pagerKey": no such secret in this stack: set it with pulumi config set --secret pagerKey',
        }.items()
    ),
    ("notifications: {receivers: [{webhook: {urlSecret: {name: a}}}, {}]}", f"{HOOK}.urlSecret.key: is required"),
    (
        "notifications: {receivers: [{webhook: {urlSecret: {name: A, key: k}}}, {}]}",
        f'{HOOK}.urlSecret.name: "A": {DNS_NAME}',
    ),
    (
        "notifications: {receivers: [{webhook: {urlSecret: {name: a, key: k/v}}}, {}]}",
        f'{HOOK}.urlSecret.key: "k/v": a key of letters, digits, dashes, dots and underscores',
    ),
    (
        "notifications: {receivers: [{webhook: {urlSecret: {name: a, key: k, kye: x}}}, {}]}",
        f"{HOOK}.urlSecret.kye: unknown key: did you mean key?",
    ),
    (
        "{notifications: {receivers: [{webhook: {urlSecret: pagerKey}}, {}]}, pagerKey: hunter2}",
        f'{HOOK}.urlSecret: "pagerKey": {SET_IN_PLAIN} pagerKey',
    ),
    ("notifications: {receivers: [{webhook: {url: hunter2}}, {}]}", f"{HOOK}.url: {IN_PLAIN} urlSecret, {REFERENCE}"),
    ("notifications: {receivers: [{webhook: hunter2}, {}]}", f"{HOOK}: (hidden): a mapping"),
    ("notifications: {receivers: hunter2}", "notifications.receivers: (hidden): a list"),
    ("notifications: {receivers: {url: hunter2}}", "notifications.receivers: {...}: a list"),
    (
        "prometheus: {remoteWrite: [{bearerToken: hunter2}]}",
        f"{REMOTE}.bearerToken: {IN_PLAIN} bearerTokenSecret, {REFERENCE}",
    ),
    ("prometheus: {remoteWrite: [{basicAuth: 'me:hunter2'}]}", f"{REMOTE}.basicAuth: (hidden): a mapping"),
    (
        "prometheus: {remoteWrite: [{tls: {privateKey: hunter2}}]}",
        (
            f"{REMOTE}.tls.privateKey: (hidden): unknown, and a secret is never given in plain:"
            " one of caSecret, certSecret, keySecret, serverName"
        ),
    ),
    ("prometheus: {queries: {secure: 'v1:abc'}}", f"prometheus.queries: {INSIDE}"),
    (
        "prometheus: {remoteWrite: [{url: 'https://me:hunter2@mimir/push'}]}",
        f"{REMOTE}.url: (hidden): a URL without user and password: those are secrets and have fields of their own",
    ),
    ("prometheus: {remoteWrite: [{url: 'https://me:hunter2/@mimir'}]}", f"{REMOTE}.url: (hidden): {URL}"),
    (
        "systems: {monitoring: {probes: ['https://a.example.com/?api_token=hunter2']}}",
        (
            "systems.monitoring.probes[0]: (hidden): a URL without secrets in its query:"
            " it is written into a configuration in plain"
        ),
    ),
    ("prometheus: {scrapeJobs: [{targets: ['me:hunter2@api:80']}]}", f"{JOB}.targets[0]: (hidden): {ADDRESS}"),
    ("cluster: {images: {registry: 'me:hunter2@mirror'}}", f"cluster.images.registry: (hidden): {REGISTRY}"),
    (
        "prometheus: {remoteWrite: [{basicAuth: {username: me, passwordSecret: remoteToken}}]}",
        f"{REMOTE}: {{...}}: one of basicAuth, bearerTokenSecret, header, not basicAuth and bearerTokenSecret",
    ),
    (
        "prometheus: {remoteWrite: [{tls: {certSecret: remoteToken}}]}",
        f"{REMOTE}.tls: {{...}}: certSecret and keySecret belong together: give both or none",
    ),
    # Production.
    (
        "prometheus: {storage: null}",
        "prometheus.storage: null: a size: in production nothing may be lost when a pod moves",
    ),
    (
        "alertmanager: {storage: null}",
        "alertmanager.storage: null: a size: in production nothing may be lost when a pod moves",
    ),
    (
        "cluster: {context: ' '}",
        'cluster.context: " ": the kubeconfig context: without it Pulumi deploys to the current context of kubectl',
    ),
    (
        "notifications: {receivers: [], routes: []}",
        "notifications.receivers: []: at least one receiver: in production an alert must reach somebody",
    ),
    (
        "prometheus: {remoteWrite: [{url: 'http://mimir/push'}]}",
        f'{REMOTE}.url: "http://mimir/push": {OVER_HTTP}',
    ),
    # What must fit together.
    (
        "prometheus: {retention: {size: 90Gi}}",
        'prometheus.retention.size: "90Gi": at most 85Gi, 85 % of storage 100Gi',
    ),
    (
        "prometheus: {remoteWrite: [{}, {name: mimir, url: 'https://b'}]}",
        'prometheus.remoteWrite[1].name: "mimir": a name that no other entry of the list has',
    ),
    (
        "notifications: {receivers: [{}, {}, {name: on-call, webhook: {urlSecret: slackUrl}}]}",
        'notifications.receivers[2].name: "on-call": a name that no other entry of the list has',
    ),
    (
        "slos: [{}, {name: checkout, objective: 99, total: a, errors: b, owner: shop}]",
        'slos[1].name: "checkout": a name that no other entry of the list has',
    ),
    ("prometheus: {scrapeJobs: [{name: kubelet}]}", f'{JOB}.name: "kubelet": a name that no job of the stack has'),
    (
        "prometheus: {scrapeJobs: [{}, {name: agents, targets: ['a:1']}]}",
        'prometheus.scrapeJobs[1].name: "agents": a name that no other entry of the list has',
    ),
    *(
        (f"{section}: {{labels: {{{label}: mine}}}}", f'{section}.labels.{label}: "mine": {FREE}')
        for section in ("cluster", "prometheus", "alertmanager")
        for label in ("app.kubernetes.io/name", "app.kubernetes.io/part-of", "pod-security.kubernetes.io/enforce")
    ),
    *(
        (f"prometheus: {{externalLabels: {{{label}: x}}}}", f'prometheus.externalLabels.{label}: "x": {EXTERNAL}')
        for label in ("cluster", "environment", "prometheus_replica")
    ),
    (
        "cluster: {namespaces: {stack: obs, nodeAgents: obs}}",
        (
            'cluster.namespaces.nodeAgents: "obs": another namespace than stack:'
            " this one is privileged, and servers must not be"
        ),
    ),
    (
        "cluster: {namespaces: {stack: kube-system}}",
        (
            'cluster.namespaces.stack: "kube-system": a namespace of its own:'
            " the stack creates it, and deletes it when it is destroyed"
        ),
    ),
    (
        "cluster: {tolerations: [{key: gpu, operator: Exists, value: a}]}",
        'cluster.tolerations[0].value: "a": no value with operator Exists, which accepts every value',
    ),
    (
        "cluster: {tolerations: [{value: a}]}",
        'cluster.tolerations[0].operator: "Equal": Exists when no key is given, or a key',
    ),
    (
        "cluster: {tolerations: [{key: gpu, effect: Never}]}",
        'cluster.tolerations[0].effect: "Never": one of NoSchedule, PreferNoSchedule or NoExecute',
    ),
    # Systems, alerts, objectives.
    ("systems: {kubernets: {}}", "systems.kubernets: unknown key: did you mean kubernetes?"),
    ("systems: {mainframes: {}}", f"systems.mainframes: unknown key: one of {KEYS}"),
    ("systems: {nodes: on}", "systems.nodes: true: a mapping"),
    ("systems: {kubernetes: {annotated: maybe}}", 'systems.kubernetes.annotated: "maybe": true or false'),
    (
        "alerts: {TargetDwn: off}",
        "alerts.TargetDwn: unknown alert of the systems that are on: did you mean TargetDown?",
    ),
    (
        "alerts: {TargetDown: on}",
        f"alerts.TargetDown: true: {OVERRIDE}",
    ),
    (
        "alerts: {TargetDown: null}",
        f"alerts.TargetDown: null: {OVERRIDE}",
    ),
    (
        "alerts: {TargetDown: {critical: 5}}",
        "alerts.TargetDown.critical: 5: a severity that the alert has a threshold for: none at all",
    ),
    (
        "alerts: {CheckoutErrorBudgetSpent: {critical: off}}",
        (
            'alerts.CheckoutErrorBudgetSpent.critical: "off": a severity that the alert has a threshold for:'
            " warning, info"
        ),
    ),
    (
        "alerts: {CheckoutErrorBudgetSpent: {severity: critical}}",
        (
            'alerts.CheckoutErrorBudgetSpent.severity: "critical": left out: there is a threshold for each of'
            " warning, info"
        ),
    ),
    (
        "alerts: {CheckoutErrorBudgetSpent: {warning: 0.5}}",
        ('alerts.CheckoutErrorBudgetSpent: "warning 0.5": thresholds of which the more urgent is the larger'),
    ),
    (
        "alerts: {CheckoutErrorBudgetSpent: {warning: much}}",
        'alerts.CheckoutErrorBudgetSpent.warning: "much": a number, or off',
    ),
    (
        "alerts: {TargetDown: {severity: urgent}}",
        'alerts.TargetDown.severity: "urgent": one of critical, warning or info',
    ),
    ("slos: [{objective: 101}]", "slos[0].objective: 101: a percentage between 50 and 99.999, like 99.9"),
    ("slos: [{window: 1d}]", 'slos[0].window: "1d": a duration between 7d and 90d'),
    (
        "slos: [{good: ok_total}]",
        "slos[0]: {...}: total, and errors or good: exactly one of them, as a counter selector",
    ),
    (
        "slos: [{latency: {histogram: answer_seconds, atMost: 1s}}]",
        "slos[0]: {...}: total with errors or good, or latency, or gauge: exactly one of them",
    ),
    (
        "slos: [{total: null, errors: null, gauge: {metric: queue_age_seconds}}]",
        "slos[0].gauge: {...}: atMost or atLeast: exactly one of them",
    ),
    (
        "slos: [{total: null, errors: null, latency: {histogram: 'rate(a[5m])', atMost: 1s}}]",
        (
            'slos[0].latency.histogram: "rate(a[5m])": the selector of one metric, without functions, range or offset,'
            ' like queue_age_seconds{queue="mail"}'
        ),
    ),
    (
        "slos: [{errors: 'up{code=\"5\"}'}]",
        (
            "slos[0]: up is selected by code: its labels are app, cluster, environment, instance, job, namespace, node,"
            " pod, portainer_service, portainer_stack, service"
        ),
    ),
    ("slos: [{minimumEvents: 0}]", "slos[0].minimumEvents: 0: at least 1"),
    (
        "slos: [{total: 'rate(requests_total[5m])'}]",
        (
            'slos[0].total: "rate(requests_total[5m])": the selector of one counter, without functions, range or'
            ' offset, like http_requests_total{code=~"5.."}'
        ),
    ),
]


def test_the_file_that_all_others_change_is_valid() -> None:
    settings = read(stack_file(), SECRETS)
    assert settings.alerts["PrometheusRulesFailing"] is None


@pytest.mark.parametrize(("change", "said"), WRONG, ids=[change for change, _ in WRONG])
def test_a_wrong_stack_file_is_explained(change: str, said: str) -> None:
    assert problems(stack_file(change)) == [said]


def test_the_table_is_written_for_people() -> None:
    assert len(WRONG) >= 60
    assert len({change for change, _ in WRONG}) == len(WRONG)
    for change, said in WRONG:
        assert "hunter2" not in said, change
        assert not re.search("Input should|Value error|pydantic|instance of", said), said


def test_an_empty_stack_file_asks_for_the_one_section_without_defaults() -> None:
    assert problems({}) == ["cluster: is required"]


def test_what_a_cluster_must_say_is_asked_for_at_once() -> None:
    assert problems(stack_file() | {"cluster": {}}) == [
        "cluster.name: is required",
        "cluster.environment: is required",
        "cluster.context: is required",
        "cluster.flavour: is required",
    ]


def test_all_problems_of_a_file_are_said_at_once() -> None:
    config = stack_file("""
    cluster: {context: '', labels: {app.kubernetes.io/name: x}}
    prometheus: {storage: null, replicas: 9, scrapeInterval: fast}
    alertmanager: {storage: null}
    notifications: {receivers: [], routes: []}
    alerts: {TargetDwn: off}
    thanos: {}
    """)
    assert problems(config) == [
        "prometheus.replicas: 9: at most 4",
        f'prometheus.scrapeInterval: "fast": {DURATION}',
        'cluster.context: "": the kubeconfig context: without it Pulumi deploys to the current context of kubectl',
        "alerts.TargetDwn: unknown alert of the systems that are on: did you mean TargetDown?",
        "notifications.receivers: []: at least one receiver: in production an alert must reach somebody",
        f"thanos: unknown key: one of {SECTIONS}",
    ]


def test_a_secret_section_is_refused_whole_and_not_asked_for() -> None:
    config = stack_file()
    del config["cluster"]
    assert problems(config, (*SECRETS, "cluster")) == [f"cluster: {INSIDE}"]


def test_a_key_that_only_a_refused_section_names_is_not_called_unknown() -> None:
    config = stack_file(
        "{notifications: {receivers: [{webhok: {}, webhook: {urlSecret: pagerKey}}, {}]}, pagerKey: hunter2}"
    )
    assert problems(config) == ["notifications.receivers[0].webhok: unknown key: did you mean webhook?"]


def test_which_secrets_there_are_can_be_left_open() -> None:
    read(stack_file("notifications: {receivers: [{webhook: {urlSecret: pagerKey}}, {}]}"), None)


@pytest.mark.parametrize(
    "change",
    [
        "{cluster: {environment: dev, context: ''}, notifications: {receivers: [], routes: []}}",
        "{cluster: {environment: dev}, prometheus: {storage: null}, alertmanager: {storage: null}}",
        "{cluster: {environment: dev}, prometheus: {remoteWrite: [{url: 'http://mimir/push'}]}}",
    ],
)
def test_what_production_forbids_is_allowed_elsewhere(change: str) -> None:
    read(stack_file(change), SECRETS)


@pytest.mark.parametrize(
    "change",
    [
        "notifications: {groupWait: 0s}",
        "alerts: {TargetDown: {for: 0s}}",
        "cluster: {labels: {app.kubernetes.io/version: '1', example.com/name: x}}",
        "cluster: {tolerations: [{operator: Exists}, {key: gpu, value: a}, {key: b, operator: Exists}]}",
        "cluster: {images: {registry: 'mirror.example.com:5000/quay/io'}}",
        "prometheus: {remoteWrite: [{url: 'http://mimir/push', bearerTokenSecret: null}]}",
        "prometheus: {retention: {size: 85GiB}}",
        "prometheus: {scrapeJobs: [{targets: ['[::1]:80', '10.0.0.3:80', 'api.svc.cluster.local.:80']}]}",
        "prometheus: {scrapeJobs: [{interval: 5m}]}",
        "systems: {kubernetes: null}",
    ],
)
def test_what_looks_odd_but_works_is_allowed(change: str) -> None:
    read(stack_file(change), SECRETS)


def test_an_objective_may_be_of_what_the_stack_records() -> None:
    series = "{metric: 'pod:prometheus_tsdb_head_series:max', atMost: 1}"
    settings = read(stack_file(f"slos: [{{total: null, errors: null, gauge: {series}}}]"), SECRETS)
    assert [slo.name for slo in settings.watched.slos if slo.owner == "shop"] == ["checkout"]


def test_the_labels_that_are_refused_are_those_that_the_stack_sets() -> None:
    settings = read(stack_file(), SECRETS)
    own = labels("prometheus", settings.cluster)
    assert set(own) == set(OWN_LABELS) >= set(selector("prometheus"))
    external = prometheus_yml(settings.prometheus, settings.cluster)["global"]["external_labels"]
    assert set(external) - {"team"} == set(OWN_EXTERNAL_LABELS)


@pytest.mark.parametrize("interval", ["1s", "5s", "10s", "30s", "2m"])
def test_a_scrape_never_takes_longer_than_its_interval(interval: str) -> None:
    settings = read(stack_file(f"prometheus: {{scrapeInterval: {interval}}}"), SECRETS)
    made = prometheus_yml(settings.prometheus, settings.cluster)["global"]
    assert made["scrape_timeout"] == (interval if interval in ("1s", "5s") else "10s"), (
        "Prometheus refuses a longer one"
    )
