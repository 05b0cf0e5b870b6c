"""Alerts about containers and pods. Each keeps the node, so that a node that is down speaks for its pods."""

from __future__ import annotations

from model.metrics import Unit
from model.quantities import Duration
from model.rules import Alert, Group, Inhibition, Severity
from rules.kubernetes.recordings import CPU_OF_CONTAINERS, HELD_PODS, UNPLACEABLE, with_owner
from rules.kubernetes.uids import KUBERNETES_WORKLOAD

_POD = "cluster, namespace, pod"
_CONTAINER = f"{_POD}, container"
_CGROUP = "cluster, environment, namespace, pod, container, node"
_PERIODS = f"sum by ({_CGROUP}) (rate(container_cpu_cfs_periods_total[5m]))"
_IN = "{{ $labels.container }} of {{ $labels.namespace }}/{{ $labels.pod }}"


def _either(of_containers: str) -> str:
    """As well of init containers, which have metrics of their own: among them are sidecars, that run all the time."""
    return f"{of_containers} or {of_containers.replace('kube_pod_container_', 'kube_pod_init_container_')}"


_RESTARTS = "kube_pod_container_status_restarts_total"


def _restarts(span: str) -> str:
    """Restarts of each container within ``span``: the counter belongs to one pod, and never starts again.

    Seen in steps, since all samples of every container would be the most that any rule reads.
    """
    return f"max by ({_CONTAINER}) ({_either(f'{_RESTARTS} - min_over_time({_RESTARTS}[{span}])')})"


def _waits(reason: str) -> str:
    """Containers that have waited for such a reason lately: between attempts they do not."""
    waits = _either(f'max_over_time(kube_pod_container_status_waiting_reason{{reason=~"{reason}"}}[5m])')
    return f"max by ({_CONTAINER}) ({waits})"


HIGH_CPU = Alert(
    name="KubernetesContainerHighCPUUsage",
    value=(f"{CPU_OF_CONTAINERS} / max by ({_CGROUP}) ((container_spec_cpu_quota > 0) / container_spec_cpu_period)"),
    unit=Unit.RATIO,
    above={Severity.WARNING: 0.9},  # the last tenth is what a burst needs
    for_=Duration.parse("15m"),  # a batch, a garbage collection or a start is over by then
    summary="A container is at its CPU limit.",
    description=f"{_IN} uses {{{{ $value | humanizePercentage }}}} of its CPU limit.",
    dashboard=KUBERNETES_WORKLOAD,
)
THROTTLED = Alert(
    name="KubernetesContainerThrottled",
    # Ten a second is a container that always runs; one that hardly runs waits in few of few, which is taken as of two.
    value=f"sum by ({_CGROUP}) (rate(container_cpu_cfs_throttled_periods_total[5m])) / clamp_min({_PERIODS}, 2)",
    unit=Unit.RATIO,
    above={Severity.WARNING: 0.5},  # bursts throttle healthy servers in a quarter of the periods; half is felt
    for_=Duration.parse("15m"),  # as long as for high use: starts throttle as well
    summary="A container is made to wait for its CPU limit.",
    description=f"{_IN} is stopped by its CPU limit in {{{{ $value | humanizePercentage }}}} of the periods.",
    dashboard=KUBERNETES_WORKLOAD,
    runbook="KubernetesContainerHighCPUUsage",
)
# Files that were read lately count in the working set, and the kernel drops them when memory is short. What it cannot
# take back is the rest: memory of programs, shared memory, files in memory. Older kubelets do not tell of active files.
_HELD = "(container_memory_working_set_bytes - container_memory_total_active_file_bytes or container_memory_rss)"
HIGH_MEMORY = Alert(
    name="KubernetesContainerHighMemoryUsage",
    value=f"max by ({_CGROUP}) ({_HELD} / (container_spec_memory_limit_bytes > 0))",
    unit=Unit.RATIO,
    above={Severity.WARNING: 0.9},  # at 1 the kernel kills
    for_=Duration.parse("10m"),  # several garbage collections
    summary="A container is near its memory limit.",
    description=f"{_IN} holds {{{{ $value | humanizePercentage }}}} of its memory limit; at 100 % it is killed.",
    dashboard=KUBERNETES_WORKLOAD,
)
_KILLED = _either('kube_pod_container_status_last_terminated_reason{reason="OOMKilled"} == 1')
OOM_KILLED = Alert(
    name="KubernetesContainerOOMKilled",
    value=with_owner(_restarts("15m:1m")),  # long enough to be read, short enough to end once it is fixed
    above={Severity.WARNING: 0},  # requests were lost, and it will happen again
    and_=f"on ({_CONTAINER}) ({_KILLED})",
    summary="A container was killed for its memory.",
    description=f"{_IN} was killed at its memory limit. Restarts within 15 minutes: {{{{ $value }}}}.",
    dashboard=KUBERNETES_WORKLOAD,
)
CRASH_LOOPING = Alert(
    name="KubernetesPodCrashLooping",
    value=with_owner(_waits("CrashLoopBackOff")),
    severity=Severity.WARNING,  # whether users feel it, the workload's missing replicas say
    for_=Duration.parse("10m"),  # what waits for a dependency to come up is through after some attempts
    summary="A container crashes again and again.",
    description=f"{_IN}, a pod of {{{{ $labels.workload }}}}, ends soon after each start.",
    dashboard=KUBERNETES_WORKLOAD,
)
RESTART_LOOP = Alert(
    name="KubernetesContainerRestartLoop",
    value=with_owner(_restarts("1h:2m")),
    above={Severity.WARNING: 3},  # more often than every 20 minutes; after 10 of those the kubelet forgets the loop
    summary="A container keeps restarting.",
    description=f"{_IN} restarted {{{{ $value }}}} times within an hour.",
    dashboard=KUBERNETES_WORKLOAD,
)


def _count(ago: str = "") -> str:
    return f"max by ({_CONTAINER}, uid) ({_either(f'{_RESTARTS}{ago}')})"


POD_RESTARTING = Alert(
    name="KubernetesPodRestarting",
    # A difference of two moments: a day of every container's samples would be millions. A younger pod began at 0.
    value=with_owner(f"sum by ({_POD}) ({_count()} - ({_count(' offset 1d')} or {_count()} * 0))"),
    above={Severity.INFO: 5},  # some restarts a day are upgrades and evictions; more is a leak or a probe too strict
    summary="A pod restarts now and then.",
    description="{{ $labels.namespace }}/{{ $labels.pod }} restarted {{ $value }} times within a day.",
    dashboard=KUBERNETES_WORKLOAD,
    runbook="KubernetesContainerRestartLoop",
)
IMAGE_PULL = Alert(
    name="KubernetesImagePullFailing",
    value=with_owner(_waits("ErrImagePull|ImagePullBackOff|InvalidImageName|ErrImageNeverPull")),
    severity=Severity.WARNING,
    for_=Duration.parse("5m"),  # a registry that hiccups is asked again five times by then
    summary="An image cannot be pulled.",
    description=f"The node cannot get the image of {_IN}.",
    dashboard=KUBERNETES_WORKLOAD,
)
POD_PENDING = Alert(
    name="KubernetesPodPending",
    value=with_owner(f'max by ({_POD}) (kube_pod_status_phase{{phase="Pending"}} == 1)'),
    unless=f"on (cluster, namespace, workload, workload_type) {UNPLACEABLE} unless on ({_POD}) {HELD_PODS}",
    severity=Severity.WARNING,
    for_=Duration.parse("15m"),  # a new node is there and a large image is pulled in ten
    summary="A pod does not start.",
    description="{{ $labels.namespace }}/{{ $labels.pod }} has been pending for 15 minutes.",
    dashboard=KUBERNETES_WORKLOAD,
)
POD_NOT_READY = Alert(
    name="KubernetesPodNotReady",
    value=with_owner(f'max by ({_POD}) (kube_pod_status_ready{{condition="true"}} == 0)'),
    and_=f'on ({_POD}) kube_pod_status_phase{{phase="Running"}} == 1',
    # One that is being deleted has its grace period to end: until the time that Kubernetes gave it. Where a container
    # has done its work, as in a job, the pod is never ready again while the others work.
    unless=(
        f"on ({_POD}) kube_pod_deletion_timestamp > time()"
        f' unless on ({_POD}) kube_pod_container_status_terminated_reason{{reason="Completed"}} == 1'
    ),
    severity=Severity.WARNING,
    for_=Duration.parse("15m"),  # slow starts, like a replica that copies its data, are through
    summary="A pod runs, and is not ready.",
    description="{{ $labels.namespace }}/{{ $labels.pod }} has run for 15 minutes without being ready.",
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
        # Reads every container: in a cluster of ten thousand pods two seconds' work. The least `for` is minutes.
        Duration.parse("1m"),
    ),
    # As often as it looks.
    Group("kubernetes-restarts", (RESTART_LOOP,), Duration.parse("2m")),
)
_SAME_POD = ("cluster", "environment", "namespace", "pod")
INHIBITIONS = (
    # The crash loop explains the restarts and the missing readiness.
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
