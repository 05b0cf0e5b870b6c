"""The workers that ship orders, which push traces and metrics to the stack."""

from dataclasses import dataclass

from pulumi import ComponentResource, Input, ResourceOptions
from pulumi_kubernetes.apps.v1 import Deployment
from pulumi_kubernetes.core.v1 import Namespace


@dataclass(frozen=True, kw_only=True)
class OrdersArgs:
    image: str
    otlp: Input[str]
    """Where telemetry is pushed to."""


class Orders(ComponentResource):
    def __init__(self, name: str, args: OrdersArgs, opts: ResourceOptions | None = None) -> None:
        super().__init__("shop:index:Orders", name, {}, opts)
        child = ResourceOptions(parent=self)
        namespace = Namespace(f"{name}-namespace", metadata={"name": "shop"}, opts=child)
        labels = {"app.kubernetes.io/name": "orders"}
        Deployment(
            f"{name}-pods",
            metadata={"name": "orders", "namespace": namespace.metadata.name, "labels": labels},
            spec={
                "replicas": 2,
                "selector": {"match_labels": labels},
                "template": {
                    "metadata": {"labels": labels},
                    "spec": {
                        "containers": [
                            {
                                "name": "orders",
                                "image": args.image,
                                "env": [{"name": "OTEL_EXPORTER_OTLP_ENDPOINT", "value": args.otlp}],
                            }
                        ]
                    },
                },
            },
            opts=child,
        )
        self.register_outputs({})
