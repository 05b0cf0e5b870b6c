"""Values of a stack file that are no duration, amount, name, address or number, each with the line that people read."""

from __future__ import annotations

import pytest

from components import images
from tests.wrong import (
    ADDRESS,
    BYTES,
    CPU,
    DURATION,
    INTERVAL,
    JOB,
    LABEL_NAME,
    LABEL_VALUE,
    LONGER,
    METRIC,
    NAME,
    QUALIFIED,
    RANGE,
    REGISTRY,
    REMOTE,
    URL,
    assert_for_people,
    problems,
    stack_file,
)

WRONG = [
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
]


@pytest.mark.parametrize(("change", "said"), WRONG, ids=[change for change, _ in WRONG])
def test_a_wrong_stack_file_is_explained(change: str, said: str) -> None:
    assert problems(stack_file(change)) == [said]


def test_the_table_is_written_for_people() -> None:
    assert_for_people(WRONG)
