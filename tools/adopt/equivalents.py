"""What the stack has itself of kube-prometheus, kubernetes-mixin and kube-prometheus-stack, by their names.

The one place that says so. Meanings are compared, not expressions: both are about the same symptom of the same thing.
"""

from __future__ import annotations

from collections.abc import Mapping

_JOB_GONE = ("ScrapeJobWithoutTargets",)
_ROLLOUT = ("KubernetesRolloutStuck",)
_REPLICAS = ("KubernetesReplicasMissing",)
_API_BUDGET = ("KubernetesApiAvailabilityErrorBudgetBurnFast", "KubernetesApiLatencyErrorBudgetBurnFast")
_DELIVERY = ("AlertmanagerNotificationsFailing",)

ALERTS: Mapping[str, tuple[str, ...]] = {
    # Of every target
    "TargetDown": ("TargetDown",),
    "Watchdog": ("Watchdog",),
    # Of pods and workloads
    "CPUThrottlingHigh": ("KubernetesContainerThrottled",),
    "KubePodCrashLooping": ("KubernetesPodCrashLooping",),
    "KubePodNotReady": ("KubernetesPodNotReady", "KubernetesPodPending"),
    "KubeContainerWaiting": ("KubernetesPodNotReady", "KubernetesImagePullFailing"),
    "KubeDeploymentReplicasMismatch": _REPLICAS,
    "KubeStatefulSetReplicasMismatch": _REPLICAS,
    "KubeDaemonSetNotScheduled": _REPLICAS,
    "KubeDeploymentRolloutStuck": _ROLLOUT,
    "KubeStatefulSetUpdateNotRolledOut": _ROLLOUT,
    "KubeDaemonSetRolloutStuck": _ROLLOUT,
    "KubeJobFailed": ("KubernetesJobFailed",),
    "KubeHpaMaxedOut": ("KubernetesAutoscalerAtMaximum",),
    "KubePdbNotEnoughHealthyPods": ("KubernetesDisruptionBudgetBroken",),
    # Of capacity
    "KubePersistentVolumeFillingUp": ("KubernetesPersistentVolumeFilling", "KubernetesPersistentVolumeWillFill"),
    "KubeQuotaAlmostFull": ("KubernetesQuotaAlmostUsed",),
    "KubeQuotaFullyUsed": ("KubernetesQuotaAlmostUsed",),
    # Of nodes, as Kubernetes sees them
    "KubeNodeNotReady": ("KubernetesNodeDown",),
    "KubeNodeUnreachable": ("KubernetesNodeDown", "KubernetesNodeLeaving"),
    "KubeNodePressure": ("KubernetesNodePressure",),
    "KubeletDown": _JOB_GONE,
    "KubeletInstanceUnreachable": ("TargetDown",),
    "KubeletPlegDurationHigh": ("KubernetesKubeletSlow",),
    "KubeletTooManyPods": ("KubernetesNodeTooManyPods",),
    "KubeletClientCertificateExpiration": ("KubernetesKubeletCertificateExpires",),
    "KubeletServerCertificateExpiration": ("KubernetesKubeletCertificateExpires",),
    # Of the control plane
    "KubeAPIDown": ("KubernetesApiServerDown",),
    "KubeAPIInstanceUnreachable": ("TargetDown",),
    "KubeAPIErrorBudgetBurn": _API_BUDGET,
    "KubeAPITerminatedRequests": ("KubernetesApiRequestsRejected",),
    "KubeAggregatedAPIDown": ("KubernetesAggregatedApiDown",),
    "KubeClientCertificateExpiration": ("KubernetesClientCertificateExpires",),
    "KubeControllerManagerDown": _JOB_GONE,
    "KubeControllerManagerInstanceUnreachable": ("TargetDown",),
    "KubeSchedulerDown": _JOB_GONE,
    "KubeSchedulerInstanceUnreachable": ("TargetDown",),
    "KubeProxyDown": _JOB_GONE,
    "KubeProxyInstanceUnreachable": ("TargetDown",),
    # Of machines
    "NodeFilesystemSpaceFillingUp": ("DiskWillFill",),
    "NodeFilesystemAlmostOutOfSpace": ("DiskSpaceRunningLow",),
    "NodeFilesystemAlmostOutOfFiles": ("DiskInodesRunningLow",),
    "NodeNetworkReceiveErrs": ("NodeNetworkErrors",),
    "NodeNetworkTransmitErrs": ("NodeNetworkErrors",),
    "NodeHighNumberConntrackEntriesUsed": ("NodeConntrackNearlyFull",),
    "NodeClockSkewDetected": ("NodeClockSkew",),
    "NodeClockNotSynchronising": ("NodeClockNotSynchronised",),
    "NodeRAIDDegraded": ("NodeRaidDegraded",),
    "NodeRAIDDiskFailure": ("NodeRaidDegraded",),
    "NodeFileDescriptorLimit": ("NodeFileDescriptorsRunningOut",),
    "NodeCPUHighUsage": ("NodeHighCPUUsage",),
    "NodeMemoryHighUtilization": ("NodeHighMemoryUsage",),
    "NodeMemoryMajorPagesFaults": ("NodeMemoryThrashing",),
    "NodeDiskIOSaturation": ("NodeDiskSaturated",),
    "NodeBondingDegraded": ("NodeBondDegraded",),
    # Of Prometheus
    "PrometheusBadConfig": ("PrometheusReloadFailed",),
    "PrometheusSDRefreshFailure": ("ScrapeJobTargetsOutdated",),
    "PrometheusKubernetesListWatchFailures": ("PrometheusDiscoveryFailing",),
    "PrometheusErrorSendingAlertsToSomeAlertmanagers": ("PrometheusAlertsUndelivered",),
    "PrometheusErrorSendingAlertsToAnyAlertmanager": ("PrometheusAlertsUndelivered",),
    "PrometheusNotConnectedToAlertmanagers": ("PrometheusWithoutAlertmanager",),
    "PrometheusTSDBReloadsFailing": ("PrometheusStorageFailing",),
    "PrometheusTSDBCompactionsFailing": ("PrometheusStorageFailing",),
    "PrometheusDuplicateTimestamps": ("PrometheusSamplesRejected",),
    "PrometheusOutOfOrderTimestamps": ("PrometheusSamplesRejected",),
    "PrometheusRemoteStorageFailures": ("PrometheusRemoteWriteDropping",),
    "PrometheusRemoteWriteBehind": ("PrometheusRemoteWriteBehind",),
    "PrometheusRuleFailures": ("PrometheusRulesFailing",),
    "PrometheusMissingRuleEvaluations": ("PrometheusRulesMissed",),
    "PrometheusTargetLimitHit": ("PrometheusScrapeLimitHit",),
    "PrometheusLabelLimitHit": ("PrometheusScrapeLimitHit",),
    "PrometheusScrapeBodySizeLimitHit": ("PrometheusScrapeLimitHit",),
    "PrometheusScrapeSampleLimitHit": ("PrometheusScrapeLimitHit",),
    # Of Alertmanager and Grafana
    "AlertmanagerFailedReload": ("AlertmanagerReloadFailed",),
    "AlertmanagerMembersInconsistent": ("AlertmanagerMembersMissing",),
    "AlertmanagerFailedToSendAlerts": _DELIVERY,
    "AlertmanagerClusterFailedToSendAlerts": _DELIVERY,
    "AlertmanagerConfigInconsistent": ("AlertmanagerConfigsDiffer",),
    "AlertmanagerClusterDown": ("StackServerDown",),
    "AlertmanagerClusterCrashlooping": ("StackServerRestarting",),
    "GrafanaRequestsFailing": ("GrafanaRequestsFailing",),
}
"""Alerts of theirs, and ours of the same meaning."""

_OPERATOR = "it watches the Prometheus operator, which this stack does not have"
GONE: Mapping[str, str] = {
    "InfoInhibitor": "it only mutes others: a warning mutes the info about the same subject by the stack's inhibitions",
    "ConfigReloaderSidecarErrors": _OPERATOR,
    **{
        f"PrometheusOperator{what}": _OPERATOR
        for what in (
            "ListErrors",
            "NodeLookupErrors",
            "NotReady",
            "ReconcileErrors",
            "RejectedResources",
            "StatusUpdateErrors",
            "SyncFailed",
            "WatchErrors",
        )
    },
}
"""Alerts of theirs that nothing takes the place of, and why."""

CHART = "kube-prometheus-stack-"
"""Before what the chart's monitors select by the label app; what follows is the label jobLabel of its Services."""
JOBS: Mapping[str, tuple[str, ...]] = {
    "apiserver": ("apiservers",),
    "kubelet": ("kubelet", "cadvisor"),
    "kube-state-metrics": ("kube-state-metrics", "kube-state-metrics-telemetry"),
    "node-exporter": ("node-exporter",),
    "prometheus-node-exporter": ("node-exporter",),
    "prometheus": ("prometheus",),
    "prometheus-k8s": ("prometheus",),
    "kube-prometheus-stack-prometheus": ("prometheus",),
    "alertmanager": ("alertmanager",),
    "alertmanager-main": ("alertmanager",),
    "kube-prometheus-stack-alertmanager": ("alertmanager",),
    "grafana": ("grafana",),
    "blackbox-exporter": ("blackbox-exporter",),
}
"""What their monitors select, or call their jobs, and our jobs of the same targets."""
JOBS_GONE: Mapping[str, str] = {
    "prometheus-operator": "this stack has no Prometheus operator",
    "kube-prometheus-stack-operator": "this stack has no Prometheus operator",
}
