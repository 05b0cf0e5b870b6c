"""Wrong stack files, each with the lines that a platform engineer reads; the first word says where to look."""

from __future__ import annotations

import pytest

from components.kubernetes import labels, selector
from components.prometheus.config import prometheus_yml
from components.settings.checks import OWN_EXTERNAL_LABELS, OWN_LABELS
from components.settings.stack import read
from tests.wrong import (
    BYTES,
    DURATION,
    EXTERNAL,
    FREE,
    HOOK,
    INSIDE,
    JOB,
    KEYS,
    ONE_SOURCE,
    OVERRIDE,
    REMOTE,
    SECRETS,
    SECTIONS,
    assert_for_people,
    problems,
    stack_file,
)

WRONG = [
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
    assert_for_people(WRONG)


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
