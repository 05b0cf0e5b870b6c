"""A resource provider that returns its inputs, in place of a missing real one; started with its version.

It shows that an update ends, in which order, and that a second one changes nothing. It does not show that a server
accepts the resources.
"""

from __future__ import annotations

import sys
import uuid
from concurrent import futures
from importlib import import_module
from typing import Any

from pulumi.runtime.proto import plugin_pb2, provider_pb2, provider_pb2_grpc

# gRPC's default limit is 4 MiB. A single dashboard is smaller, but many at once are not; this is Pulumi's own limit.
_LARGEST = 400 << 20
# Files of packages without types.
_GRPC: Any = import_module("grpc")
_EMPTY: Any = import_module("google.protobuf.empty_pb2").Empty


class Echo(provider_pb2_grpc.ResourceProviderServicer):
    """Stores nothing. Its methods are those of Pulumi's provider protocol."""

    def __init__(self, version: str) -> None:
        self._version = version

    def Handshake(self, _request: Any, _context: Any) -> Any:  # noqa: N802
        return provider_pb2.ProviderHandshakeResponse(accept_secrets=True)

    def GetPluginInfo(self, _request: Any, _context: Any) -> Any:  # noqa: N802
        return plugin_pb2.PluginInfo(version=self._version)

    def CheckConfig(self, request: Any, _context: Any) -> Any:  # noqa: N802
        return provider_pb2.CheckResponse(inputs=request.news)

    def DiffConfig(self, _request: Any, _context: Any) -> Any:  # noqa: N802
        return provider_pb2.DiffResponse(changes=provider_pb2.DiffResponse.DIFF_NONE)

    def Configure(self, _request: Any, _context: Any) -> Any:  # noqa: N802
        return provider_pb2.ConfigureResponse(acceptSecrets=True, supportsPreview=True)

    def Check(self, request: Any, _context: Any) -> Any:  # noqa: N802
        return provider_pb2.CheckResponse(inputs=request.news)

    def Diff(self, request: Any, _context: Any) -> Any:  # noqa: N802
        same = request.old_inputs == request.news
        kinds = provider_pb2.DiffResponse
        return provider_pb2.DiffResponse(changes=kinds.DIFF_NONE if same else kinds.DIFF_SOME)

    def Create(self, request: Any, _context: Any) -> Any:  # noqa: N802
        given = "" if request.preview else str(uuid.uuid4())
        return provider_pb2.CreateResponse(id=given, properties=request.properties)

    def Read(self, request: Any, _context: Any) -> Any:  # noqa: N802
        return provider_pb2.ReadResponse(id=request.id, properties=request.properties, inputs=request.inputs)

    def Update(self, request: Any, _context: Any) -> Any:  # noqa: N802
        return provider_pb2.UpdateResponse(properties=request.news)

    def Delete(self, _request: Any, _context: Any) -> Any:  # noqa: N802
        return _EMPTY()

    def Cancel(self, _request: Any, _context: Any) -> Any:  # noqa: N802
        return _EMPTY()


if __name__ == "__main__":
    size = [("grpc.max_receive_message_length", _LARGEST)]
    server = _GRPC.server(futures.ThreadPoolExecutor(max_workers=32), options=size)
    provider_pb2_grpc.add_ResourceProviderServicer_to_server(Echo(sys.argv[1]), server)
    print(server.add_insecure_port("127.0.0.1:0"), flush=True)  # the engine reads the port from here
    server.start()
    server.wait_for_termination()
