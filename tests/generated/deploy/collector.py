"""An OpenTelemetry Collector of our own, which takes what a service sends and passes it on to the test."""

import json
import queue
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import yaml

from tests.generated.service import PATIENCE, PROBE_PERIOD
from tests.support import free_port, program

SERVER, CLIENT, PRODUCER, CONSUMER = 2, 3, 4, 5
"""Kinds of spans."""

Attributes = dict[str, Any]


@dataclass(frozen=True)
class Span:
    """A span as the collector understood it, with the attributes of the service that sent it."""

    name: str
    kind: int
    trace: str
    identifier: str
    parent: str
    attributes: Attributes
    status: int
    service: Attributes


class Collector:
    """A running collector."""

    def __init__(self, port: int, received: "queue.Queue[Span]") -> None:
        self.endpoint = f"http://127.0.0.1:{port}"
        self._received = received

    def spans_until(self, trace: str, kind: int) -> list[Span]:
        """What has come since the last call, up to a span of this trace and kind."""
        spans: list[Span] = []
        while not spans or (spans[-1].trace, spans[-1].kind) != (trace, kind):
            spans.append(self._received.get(timeout=PATIENCE))
        return spans


@contextmanager
def running_collector(directory: Path) -> Iterator[Collector]:
    """Starts a collector that waits for nothing, and ends it afterwards."""
    received: queue.Queue[Span] = queue.Queue()
    otelcol, port = program("otelcol"), free_port()
    with ExitStack() as stack:
        configuration = directory / "collector.yaml"
        configuration.write_text(yaml.safe_dump(_configuration(port, stack.enter_context(_sink(received)))), encoding="utf-8")
        log = directory / "collector.log"
        deadline = time.monotonic() + PATIENCE
        command = [otelcol, f"--config=file:{configuration}"]
        process = stack.enter_context(
            subprocess.Popen(command, stdin=subprocess.DEVNULL, stderr=stack.enter_context(log.open("w")))
        )
        stack.callback(process.terminate)
        while "Everything is ready" not in log.read_text(encoding="utf-8"):
            assert process.poll() is None, log.read_text(encoding="utf-8")
            assert time.monotonic() < deadline, log.read_text(encoding="utf-8")
            time.sleep(PROBE_PERIOD)
        yield Collector(port, received)


def _configuration(port: int, sink: str) -> dict[str, Any]:
    exporter = {
        "endpoint": sink,
        "encoding": "json",
        "compression": "none",
        "sending_queue": {"enabled": False},
        "retry_on_failure": {"enabled": False},
    }
    return {
        "receivers": {"otlp": {"protocols": {"grpc": {"endpoint": f"127.0.0.1:{port}"}}}},
        "exporters": {"otlp_http": exporter},
        "service": {
            "telemetry": {"metrics": {"level": "none"}},
            "pipelines": {"traces": {"receivers": ["otlp"], "exporters": ["otlp_http"]}},
        },
    }


@contextmanager
def _sink(received: "queue.Queue[Span]") -> Iterator[str]:
    """An HTTP server that takes apart what the collector passes on, and its address."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            for span in _spans(json.loads(self.rfile.read(int(self.headers["Content-Length"])))):
                received.put(span)
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.end_headers()
            self.wfile.write(b"{}")

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(PROBE_PERIOD,))
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


def _spans(export: dict[str, Any]) -> Iterator[Span]:
    for resource in export["resourceSpans"]:
        service = _attributes(resource["resource"]["attributes"])
        for scope in resource["scopeSpans"]:
            for span in scope["spans"]:
                yield Span(
                    name=span["name"],
                    kind=span["kind"],
                    trace=span["traceId"],
                    identifier=span["spanId"],
                    parent=span.get("parentSpanId", ""),
                    attributes=_attributes(span.get("attributes", [])),
                    status=span["status"].get("code", 0),
                    service=service,
                )


def _attributes(pairs: list[dict[str, Any]]) -> Attributes:
    """Names to values; a value is known by its type, as in {"intValue": "201"}."""
    return {pair["key"]: next(iter(pair["value"].values())) for pair in pairs}
