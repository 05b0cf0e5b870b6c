"""Secrets that are named wrongly or given in plain, and what production forbids, each with the line that one reads."""

from __future__ import annotations

import pytest

from tests.wrong import (
    ADDRESS,
    DNS_NAME,
    HOOK,
    IN_PLAIN,
    INSIDE,
    JOB,
    OVER_HTTP,
    REFERENCE,
    REGISTRY,
    REMOTE,
    SET_IN_PLAIN,
    URL,
    assert_for_people,
    problems,
    stack_file,
)

WRONG = [
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
]


@pytest.mark.parametrize(("change", "said"), WRONG, ids=[change for change, _ in WRONG])
def test_a_wrong_stack_file_is_explained(change: str, said: str) -> None:
    assert problems(stack_file(change)) == [said]


def test_the_table_is_written_for_people() -> None:
    assert_for_people(WRONG)
