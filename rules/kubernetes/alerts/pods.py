"""Alerts on containers and pods. Each has the label `node`, so that NodeDown inhibits the alerts on its pods."""

from __future__ import annotations

from model.metrics import Unit
from model.quantities import Duration
from model.rules import Alert, Group, Inhibition, Severity
from rules.kubernetes.recordings import CPU_OF_CONTAINERS, HELD_PODS, UNPLACEABLE, with_owner
from rules.kubernetes.uids import KUBERNETES_NAMESPACE, KUBERNETES_WORKLOAD

_POD = "cluster, namespace, pod"
_CONTAINER = f"{_POD}, container"
_CGROUP = "cluster, environment, namespace, pod, container, node"
_PERIODS = f"sum by ({_CGROUP}) (rate(container_cpu_cfs_periods_total[5m]))"
_IN = "{{ $labels.container }} of {{ $labels.namespace }}/{{ $labels.pod }}"
_OF = "{{ $labels.namespace }}/{{ $labels.pod }} of {{ $labels.workload }}"
"""A pod with its workload, which the link to the dashboard takes from the text."""
_CONTAINER_OF = f"{{{{ $labels.container }}}} of {_OF}"


def _either(of_containers: str) -> str:
    """PromQL for containers and init containers, whose metrics have other names. Sidecars are init containers."""
    return f"{of_containers} or {of_containers.replace('kube_pod_container_', 'kube_pod_init_container_')}"


_RESTARTS = "kube_pod_container_status_restarts_total"


def _restarts(span: str) -> str:
    """PromQL: restarts of each container within ``span``. The counter belongs to one pod and is never reset.

    ``span`` has a step (`1h:1m`): no other rule would read as many samples as all of every container.
    """
    return f"max by ({_CONTAINER}) ({_either(f'{_RESTARTS} - min_over_time({_RESTARTS}[{span}])')})"


def _waits(reason: str) -> str:
    """PromQL: containers that waited for ``reason`` within five minutes. Between attempts a container does not wait."""
    waits = _either(f'max_over_time(kube_pod_container_status_waiting_reason{{reason=~"{reason}"}}[5m])')
    return f"max by ({_CONTAINER}) ({waits})"


HIGH_CPU = Alert(
    name="KubernetesContainerHighCPUUsage",
    value=(f"{CPU_OF_CONTAINERS} / max by ({_CGROUP}) ((container_spec_cpu_quota > 0) / container_spec_cpu_period)"),
    unit=Unit.RATIO,
    above={Severity.WARNING: 0.9},  # a burst needs the last tenth
    for_=Duration.parse("15m"),  # longer than a batch, a garbage collection or a start
    summary="A container is at its CPU limit.",
    description=f"{_IN} uses {{{{ $value | humanizePercentage }}}} of its CPU limit.",
    dashboard=KUBERNETES_NAMESPACE,
)
THROTTLED = Alert(
    name="KubernetesContainerThrottled",
    # A container that always runs has ten periods per second. One that hardly runs has few: at least two are assumed.
    value=f"sum by ({_CGROUP}) (rate(container_cpu_cfs_throttled_periods_total[5m])) / clamp_min({_PERIODS}, 2)",
    unit=Unit.RATIO,
    above={Severity.WARNING: 0.5},  # bursts throttle healthy servers in a quarter of the periods; users notice half
    for_=Duration.parse("15m"),  # the same as for high usage: starts are throttled too
    summary="A container is throttled by its CPU limit.",
    description=f"{_IN} is throttled by its CPU limit in {{{{ $value | humanizePercentage }}}} of the periods.",
    dashboard=KUBERNETES_NAMESPACE,
    runbook="KubernetesContainerHighCPUUsage",
)
# The working set includes recently read files, which the kernel drops when memory is short. It cannot free the rest:
# memory of programs, shared memory, tmpfs. Older kubelets do not report active files.
_HELD = "(container_memory_working_set_bytes - container_memory_total_active_file_bytes or container_memory_rss)"
HIGH_MEMORY = Alert(
    name="KubernetesContainerHighMemoryUsage",
    value=f"max by ({_CGROUP}) ({_HELD} / (container_spec_memory_limit_bytes > 0))",
    unit=Unit.RATIO,
    above={Severity.WARNING: 0.9},  # at 1 the kernel kills the container
    for_=Duration.parse("10m"),  # longer than several garbage collections
    summary="A container is near its memory limit.",
    description=f"{_IN} uses {{{{ $value | humanizePercentage }}}} of its memory limit; at 100 % it is killed.",
    dashboard=KUBERNETES_NAMESPACE,
)
_KILLED = _either('kube_pod_container_status_last_terminated_reason{reason="OOMKilled"} == 1')
OOM_KILLED = Alert(
    name="KubernetesContainerOOMKilled",
    value=with_owner(_restarts("15m:1m")),  # long enough to be noticed, short enough to end after a fix
    above={Severity.WARNING: 0},  # any: requests were lost, and it will happen again
    and_=f"on ({_CONTAINER}) ({_KILLED})",
    summary="A container was OOM-killed.",
    description=f"{_CONTAINER_OF} was killed at its memory limit. Restarts within 15 minutes: {{{{ $value }}}}.",
    dashboard=KUBERNETES_WORKLOAD,
)
CRASH_LOOPING = Alert(
    name="KubernetesPodCrashLooping",
    value=with_owner(_waits("CrashLoopBackOff")),
    severity=Severity.WARNING,  # if users notice it, the alert on missing replicas pages
    for_=Duration.parse("10m"),  # a container that waits for a dependency starts after some attempts
    summary="A container is in a crash loop.",
    description=f"{_CONTAINER_OF} exits soon after each start.",
    dashboard=KUBERNETES_WORKLOAD,
)
RESTART_LOOP = Alert(
    name="KubernetesContainerRestartLoop",
    value=with_owner(_restarts("1h:2m")),
    # More often than every 20 minutes. After ten minutes without a crash the kubelet resets its back-off, so the alert
    # on crash loops does not see these.
    above={Severity.WARNING: 3},
    summary="A container keeps restarting.",
    description=f"{_CONTAINER_OF} restarted {{{{ $value }}}} times within an hour.",
    dashboard=KUBERNETES_WORKLOAD,
)


def _count(ago: str = "") -> str:
    return f"max by ({_CONTAINER}, uid) ({_either(f'{_RESTARTS}{ago}')})"


POD_RESTARTING = Alert(
    name="KubernetesPodRestarting",
    # The difference between now and a day ago, since a day of samples would be millions. A younger pod began at 0.
    value=with_owner(f"sum by ({_POD}) ({_count()} - ({_count(' offset 1d')} or {_count()} * 0))"),
    above={Severity.INFO: 5},  # upgrades and evictions cause some restarts a day; more is a leak or a strict probe
    summary="A pod restarted several times within a day.",
    description=f"{_OF} restarted {{{{ $value }}}} times within a day.",
    dashboard=KUBERNETES_WORKLOAD,
    runbook="KubernetesContainerRestartLoop",
)
IMAGE_PULL = Alert(
    name="KubernetesImagePullFailing",
    value=with_owner(_waits("ErrImagePull|ImagePullBackOff|InvalidImageName|ErrImageNeverPull")),
    severity=Severity.WARNING,
    for_=Duration.parse("5m"),  # the kubelet has tried five times by then
    summary="An image cannot be pulled.",
    description=f"The node cannot pull the image of {_CONTAINER_OF}.",
    dashboard=KUBERNETES_WORKLOAD,
)
POD_PENDING = Alert(
    name="KubernetesPodPending",
    value=with_owner(f'max by ({_POD}) (kube_pod_status_phase{{phase="Pending"}} == 1)'),
    unless=f"on (cluster, namespace, workload, workload_type) {UNPLACEABLE} unless on ({_POD}) {HELD_PODS}",
    severity=Severity.WARNING,
    for_=Duration.parse("15m"),  # a new node and a large image take ten
    summary="A pod does not start.",
    description=f"{_OF} has been pending for 15 minutes.",
    dashboard=KUBERNETES_WORKLOAD,
)
POD_NOT_READY = Alert(
    name="KubernetesPodNotReady",
    value=with_owner(f'max by ({_POD}) (kube_pod_status_ready{{condition="true"}} == 0)'),
    and_=f'on ({_POD}) kube_pod_status_phase{{phase="Running"}} == 1',
    # A pod that is being deleted has until its deletion timestamp, the end of its grace period. A pod with a completed
    # container, as in a job, is not ready while its other containers work.
    unless=(
        f"on ({_POD}) kube_pod_deletion_timestamp > time()"
        f' unless on ({_POD}) kube_pod_container_status_terminated_reason{{reason="Completed"}} == 1'
    ),
    severity=Severity.WARNING,
    for_=Duration.parse("15m"),  # longer than slow starts, such as a replica that copies its data
    summary="A pod is running but not ready.",
    description=f"{_OF} has been running for 15 minutes without being ready.",
    dashboard=KUBERNETES_WORKLOAD,
)

GROUPS = (
    Group(
        "kubernetes-pods",
        (
            HIGH_CPU,
            THROTTLED,
            HIGH_MEMORY,
            OOM_KILLED,
            CRASH_LOOPING,
            POD_RESTARTING,
            IMAGE_PULL,
            POD_PENDING,
            POD_NOT_READY,
        ),
        # They read every container: two seconds of work in a cluster of ten thousand pods. Each `for` is minutes.
        Duration.parse("1m"),
    ),
    # The interval is the step of its subquery.
    Group("kubernetes-restarts", (RESTART_LOOP,), Duration.parse("2m")),
)
_SAME_POD = ("cluster", "environment", "namespace", "pod")
INHIBITIONS = (
    # A crash loop explains the restarts, and that the pod is not ready.
    Inhibition(
        source={"alertname": CRASH_LOOPING.name},
        target={"alertname": f"{RESTART_LOOP.name}|{POD_RESTARTING.name}|{POD_NOT_READY.name}"},
        equal=_SAME_POD,
    ),
    Inhibition(source={"alertname": RESTART_LOOP.name}, target={"alertname": POD_RESTARTING.name}, equal=_SAME_POD),
    Inhibition(
        source={"alertname": IMAGE_PULL.name},
        target={"alertname": f"{POD_PENDING.name}|{POD_NOT_READY.name}"},
        equal=_SAME_POD,
    ),
)
