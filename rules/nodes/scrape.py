"""Scrape jobs of the nodes."""

from __future__ import annotations

from model.cluster import ClusterSettings
from model.exporter import Exporter
from model.flows import Nodes
from model.images import pinned
from model.scrape import KubernetesDiscovery, ScrapeJob, copy, keep
from model.settings import Resources

NODE_EXPORTER = "node-exporter"
NODE_EXPORTER_IMAGE = pinned(
    "quay.io/prometheus/node-exporter:v1.12.1",
    uid=65534,
    binaries={"node-exporter": "/bin/node_exporter"},
)
PORT = 9100

# Pseudo file systems, and the mounts of containers, of which a node has hundreds.
_IGNORED_MOUNTS = (
    r"^/(dev|proc|sys|run/containerd/.+|var/lib/docker/.+|var/lib/(kubelet/(pods|plugins)|containers)/.+)($|/)"
)
_IGNORED_FILE_SYSTEMS = (
    r"^(autofs|binfmt_misc|bpf|cgroup2?|configfs|debugfs|devpts|devtmpfs|fusectl|hugetlbfs|iso9660|mqueue|nsfs|overlay"
    r"|proc|procfs|pstore|rpc_pipefs|securityfs|selinuxfs|squashfs|sysfs|tmpfs|tracefs)$"
)
# The interfaces of pods, whose traffic is in the job cadvisor, and virtual interfaces, which repeat that of others.
_IGNORED_INTERFACES = (
    r"^(veth|cali|lxc|cni|flannel|tunl|eni|azv|gke|cilium|kube-ipvs|nodelocaldns|vxlan|docker|br-|virbr|dummy).*$"
)


def node_exporter(resources: Resources) -> Exporter:
    return Exporter(
        name=NODE_EXPORTER,
        image=NODE_EXPORTER_IMAGE,
        per_node=True,
        args=(
            f"--web.listen-address=:{PORT}",
            "--path.procfs=/host/root/proc",
            "--path.sysfs=/host/root/sys",
            "--path.rootfs=/host/root",
            "--path.udev.data=/host/root/run/udev/data",
            f"--collector.filesystem.mount-points-exclude={_IGNORED_MOUNTS}",
            f"--collector.filesystem.fs-types-exclude={_IGNORED_FILE_SYSTEMS}",
            f"--collector.netclass.ignored-devices={_IGNORED_INTERFACES}",
            f"--collector.netdev.device-exclude={_IGNORED_INTERFACES}",
            "--no-collector.wifi",
            "--no-collector.hwmon",
        ),
        ports={"metrics": PORT},
        resources=resources,
        live=("/", "metrics"),
        # The liveness check uses a page without metrics, the readiness check the metrics of one cheap collector.
        ready=("/metrics?collect[]=time", "metrics"),
    )


def scrape_job(cluster: ClusterSettings) -> ScrapeJob:
    return ScrapeJob(
        name=NODE_EXPORTER,
        discovery=KubernetesDiscovery(
            "pod", (cluster.namespaces.node_agents,), f"app.kubernetes.io/name={NODE_EXPORTER}"
        ),
        egress=((Nodes(), (PORT,)),),
        relabel=(
            keep("__meta_kubernetes_pod_container_port_name", "metrics"),
            copy("__meta_kubernetes_pod_node_name", "node"),
        ),
    )
