"""Every field that the operator's objects have, with a value that is not its default.

Names of fields are those of the API of the operator's version 0.93. A field of a field stands alone where each is read
alone. The first route of an AlertmanagerConfig always continues, whatever it says.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tests.adopt.receiver_fields import OTHER_RECEIVERS, RECEIVERS
from tests.adopt.shapes import SECRET
from tests.adopt.shared_fields import LOGIN, OAUTH2, PROXY, STEP, TLS, below

ENDPOINT: dict[str, Any] = {
    **LOGIN,
    **PROXY,
    **TLS,
    "bearerTokenSecret": SECRET,
    "bearerTokenSecret.optional": True,
    "enableHttp2": False,
    "filterRunning": False,
    "followRedirects": False,
    "honorLabels": True,
    "honorTimestamps": False,
    "interval": "13s",
    "metricRelabelings": [STEP],
    "params": {"a": ["b"]},
    "path": "/other",
    "port": "other",
    "relabelings": [STEP],
    "scheme": "HTTPS",
    "scrapeTimeout": "7s",
    "targetPort": 9100,
    "trackTimestampsStaleness": True,
}
LIMITS: dict[str, Any] = {
    "sampleLimit": 7,
    "targetLimit": 7,
    "labelLimit": 7,
    "labelNameLengthLimit": 7,
    "labelValueLengthLimit": 7,
    "keepDroppedTargets": 7,
}
SCRAPED: dict[str, Any] = {
    "convertClassicHistogramsToNHCB": True,
    "fallbackScrapeProtocol": "PrometheusText0.0.4",
    "nativeHistogramBucketLimit": 7,
    "nativeHistogramMinBucketFactor": "1.1",
    "scrapeClass": "tls",
    "scrapeClassicHistograms": True,
    "scrapeNativeHistograms": True,
    "scrapeProtocols": ["PrometheusText0.0.4"],
}
MONITOR: dict[str, Any] = {
    **LIMITS,
    **SCRAPED,
    "attachMetadata.node": True,
    "bodySizeLimit": "7MB",
    "jobLabel": "app",
    "namespaceSelector.any": True,
    "namespaceSelector.matchNames": ["other"],
    "podTargetLabels": ["team"],
    "selector.matchExpressions": [{"key": "tier", "operator": "In", "values": ["a"]}],
    "selector.matchLabels": {"app": "other"},
    "selectorMechanism": "RoleSelector",
}
_CLOUD: dict[str, Any] = {
    **PROXY,
    "enableHTTP2": False,
    "followRedirects": False,
    "port": 9100,
    "refreshInterval": "3m",
    "tlsConfig": {"serverName": "list.example.com"},
}
_SOURCES: Mapping[str, Mapping[str, Any]] = {
    "httpSDConfigs[]": {
        **LOGIN,
        **PROXY,
        **TLS,
        "enableHTTP2": False,
        "followRedirects": False,
        "refreshInterval": "3m",
        "url": "https://list.example.com",
    },
    "dnsSDConfigs[]": {"names": ["a.example.com"], "port": 7, "type": "A", "refreshInterval": "3m"},
    "ec2SDConfigs[]": {
        **_CLOUD,
        "accessKey": SECRET,
        "filters": [{"name": "a", "values": ["b"]}],
        "region": "eu-1",
        "roleARN": "arn:aws:iam::1:role/a",
        "secretKey": SECRET,
    },
    "azureSDConfigs[]": {
        **_CLOUD,
        "authenticationMethod": "OAuth",
        "authorization": {"credentials": SECRET},
        "basicAuth": {"password": SECRET},
        "clientID": "a",
        "clientSecret": SECRET,
        "environment": "a",
        "oauth2": OAUTH2,
        "resourceGroup": "a",
        "subscriptionID": "a",
        "tenantID": "a",
    },
    "gceSDConfigs[]": {
        "filter": "a",
        "port": 9100,
        "project": "a",
        "refreshInterval": "3m",
        "tagSeparator": ";",
        "zone": "a",
    },
}
_OTHERS = (
    *("consul", "digitalOcean", "docker", "dockerSwarm", "eureka", "file", "hetzner", "ionos", "kubernetes", "kuma"),
    *("lightSail", "linode", "nomad", "openstack", "ovhcloud", "puppetDB", "scaleway"),
)
SCRAPE_CONFIG: dict[str, Any] = {
    **LOGIN,
    **PROXY,
    **TLS,
    **LIMITS,
    **SCRAPED,
    "bodySizeLimit": "7MB",
    "enableCompression": False,
    "enableHTTP2": False,
    "honorLabels": True,
    "honorTimestamps": False,
    "jobName": "other",
    "metricRelabelings": [STEP],
    "metricsPath": "/other",
    "nameEscapingScheme": "Dots",
    "nameValidationScheme": "Legacy",
    "params": {"a": ["b"]},
    "relabelings": [STEP],
    "scheme": "HTTPS",
    "scrapeInterval": "13s",
    "scrapeTimeout": "7s",
    "trackTimestampsStaleness": True,
    "staticConfigs[].labels": {"a": "b"},
    "staticConfigs[].targets": ["other:9100"],
    **{f"{name}SDConfigs": [{"server": "http://a"}] for name in _OTHERS},
    **{f"{kind}.{name}": value for kind, fields in _SOURCES.items() for name, value in fields.items()},
}
INTERVAL: dict[str, Any] = {
    "times": [{"startTime": "08:00", "endTime": "18:00"}],
    "weekdays": ["monday"],
    "daysOfMonth": [{"start": 1, "end": 2}],
    "months": ["may"],
    "years": ["2027"],
    "location": "Europe/Berlin",
}
ROUTE: dict[str, Any] = {
    "receiver": "nobody",
    "activeTimeIntervals": ["unknown"],
    "muteTimeIntervals": ["unknown"],
    "groupBy": ["job"],
    "groupInterval": "7m",
    "groupWait": "7s",
    "repeatInterval": "7h",
    "matchers": [{"name": "severity", "value": "critical", "matchType": "="}],
    "routes": [{"matchers": [{"name": "severity", "value": "critical", "regex": True}]}],
}
FIELDS: Mapping[str, Mapping[str, Any]] = {
    "PrometheusRule": {
        **below(
            "groups[]",
            {
                "name": "other",
                "interval": "2m",
                "limit": 7,
                "labels": {"a": "b"},
                "partial_response_strategy": "warn",
                "query_offset": "1m",
            },
        ),
        **below(
            "groups[].rules[]",
            {
                "alert": "Other",
                "annotations": {"summary": "a"},
                "expr": "1",
                "for": "7m",
                "keep_firing_for": "7m",
                "labels": {"a": "b"},
                "record": "both:alert_and_record",
            },
        ),
    },
    "ServiceMonitor": {
        **below("endpoints[]", {**ENDPOINT, **below("tlsConfig", {"caFile": "a", "certFile": "a", "keyFile": "a"})}),
        "endpoints[].bearerTokenFile": "/token",
        **MONITOR,
        "serviceDiscoveryRole": "Endpoints",
        "targetLabels": ["team"],
    },
    "PodMonitor": {**below("podMetricsEndpoints[]", {**ENDPOINT, "portNumber": 9100}), **MONITOR},
    "Probe": {
        **LOGIN,
        **TLS,
        **LIMITS,
        **SCRAPED,
        "bearerTokenSecret": SECRET,
        "enableHttp2": False,
        "followRedirects": False,
        "interval": "13s",
        "jobName": "other",
        "metricRelabelings": [STEP],
        "module": "icmp",
        "params": [{"name": "a", "values": ["b"]}],
        **below("prober", {"url": "prober:9115", "path": "/other", "scheme": "https", **PROXY}),
        "scrapeTimeout": "7s",
        "targets.ingress": {"selector": {}, "namespaceSelector": {}, "relabelingConfigs": [STEP]},
        "targets.staticConfig.labels": {"a": "b"},
        "targets.staticConfig.relabelingConfigs": [STEP],
        "targets.staticConfig.static": ["other"],
    },
    "ScrapeConfig": SCRAPE_CONFIG,
    "AlertmanagerConfig": {
        "receivers[].name": "other",
        "inhibitRules": [{"equal": ["a"], "sourceMatch": [], "targetMatch": []}],
        **dict.fromkeys(("muteTimeIntervals[].name", "timeIntervals[].name"), "b"),
        **{f"muteTimeIntervals[].timeIntervals[].{name}": value for name, value in INTERVAL.items()},
        **{f"timeIntervals[].timeIntervals[].{name}": value for name, value in INTERVAL.items()},
        **below("route", ROUTE),
        **{f"receivers[].{name}Configs": [{"sendResolved": True}] for name in OTHER_RECEIVERS},
        **{
            f"receivers[].{kind}.{name}": value
            for kind, fields in RECEIVERS.items()
            for name, value in {**fields, "sendResolved": kind in ("slackConfigs[]", "emailConfigs[]")}.items()
        },
    },
}

WITH: Mapping[str, Mapping[str, Any]] = {
    "ServiceMonitor": {"endpoints[].tlsConfig": {"endpoints[].scheme": "https"}},
    "PodMonitor": {"podMetricsEndpoints[].tlsConfig": {"podMetricsEndpoints[].scheme": "https"}},
    "ScrapeConfig": {
        "tlsConfig": {"scheme": "https"},
        "httpSDConfigs": {"httpSDConfigs[].url": "https://other.example.com"},
        "dnsSDConfigs": {"dnsSDConfigs[].names": ["b.example.com"], "dnsSDConfigs[].port": 9},
        "ec2SDConfigs": {"ec2SDConfigs[].region": "eu-2"},
        "azureSDConfigs": {"azureSDConfigs[].subscriptionID": "b"},
        "gceSDConfigs": {"gceSDConfigs[].project": "b", "gceSDConfigs[].zone": "b"},
    },
    "AlertmanagerConfig": {
        "receivers[].emailConfigs": below(
            "receivers[].emailConfigs[]", {"to": "a@example.com", "from": "a@example.com", "smarthost": "mail:587"}
        ),
        **{
            f"receivers[].{kind}Configs": {f"receivers[].{kind}Configs[].{field}": {**SECRET, "name": "hook"}}
            for kind, field in (
                *(("discord", "apiURL"), ("msteamsv2", "webhookURL"), ("opsgenie", "apiKey")),
                *(("pagerduty", "routingKey"), ("webhook", "urlSecret")),
            )
        },
        **{
            kind: {
                f"{kind}[].name": "a",
                f"{kind}[].timeIntervals": [{"weekdays": ["friday"]}],
                "route.muteTimeIntervals": ["a"],
            }
            for kind in ("muteTimeIntervals", "timeIntervals")
        },
    },
}
"""By the start of a field's path, what an object also needs for the field to mean something."""
