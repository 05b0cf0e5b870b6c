"""A gRPC service and its client with public instrumentation, as processes:
``python -m tests.servers.instrumented_grpc KIND PORT ADDRESS [SERVER]``.

OpenTelemetry's instrumentation for Python makes spans of gRPC, and no metrics. Its spans do not name the host that is
called, and are called by the path of the method.
"""

from __future__ import annotations

import json
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import grpc  # type: ignore[import-untyped]  # publishes no types
import uvicorn
from fastapi import FastAPI, Response
from opentelemetry import trace
from opentelemetry.instrumentation.grpc import GrpcInstrumentorClient, GrpcInstrumentorServer

from tests.servers.instrumented import traced

SERVICE, METHOD = "shop.Ledger", "Book"
CALL = f"/{SERVICE}/{METHOD}"


def serve(port: int) -> None:
    """Answer each call after the time and with the code that it asks for."""
    GrpcInstrumentorServer().instrument()  # type: ignore[no-untyped-call]

    def book(request: bytes, context: grpc.ServicerContext) -> bytes:
        asked = json.loads(request)
        time.sleep(asked["seconds"])
        if asked["code"] != "OK":
            context.abort(grpc.StatusCode[asked["code"]], "as asked")
        return b""

    server = grpc.server(ThreadPoolExecutor(20))
    methods = {METHOD: grpc.unary_unary_rpc_method_handler(book)}
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(SERVICE, methods),))
    server.add_insecure_port(f"127.0.0.1:{port}")
    server.start()
    server.wait_for_termination()


def client(server: str) -> FastAPI:
    """It makes a call for each request, which is not measured itself."""
    GrpcInstrumentorClient().instrument()  # type: ignore[no-untyped-call]
    channel = grpc.insecure_channel(server)
    call = channel.unary_unary(CALL)
    app = FastAPI()

    @app.get("/book")
    def book(seconds: float, code: str) -> Response:
        asked: dict[str, Any] = {"seconds": seconds, "code": code}
        try:
            call(json.dumps(asked).encode())
        except grpc.RpcError as failed:
            return Response(failed.code().name)
        return Response("OK")

    return app


if __name__ == "__main__":
    kind, own, collector, *others = sys.argv[1:]
    trace.set_tracer_provider(traced("ledger" if kind == "server" else "teller", collector))
    if kind == "server":
        serve(int(own))
    else:
        uvicorn.run(client(*others), host="127.0.0.1", port=int(own), log_level="warning")
