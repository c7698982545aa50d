"""A server to measure: `server.py PORT`. After SIGTERM it closes its connections, or, asked for /abrupt, breaks off an answer."""

import os
import signal
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count

STOPPING = threading.Event()


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    requests = count()

    def do_GET(self) -> None:
        busy = self.path == "/busy" and next(self.requests) % 2
        self.send_response(503 if busy else 200)
        self.send_header("Content-Length", "4")
        self.end_headers()
        if self.path == "/abrupt" and STOPPING.is_set():
            self.wfile.write(b"bo")
            os._exit(3)
        self.wfile.write(b"body")
        self.close_connection = STOPPING.is_set()

    def log_message(self, *_: object) -> None:
        pass


class Server(ThreadingHTTPServer):
    daemon_threads = False


def main(port: int) -> None:
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
    server = Server(("127.0.0.1", port), Handler)
    threading.Thread(target=server.serve_forever).start()
    signal.sigwait({signal.SIGTERM})
    server.shutdown()
    server.socket.close()
    STOPPING.set()
    server.server_close()


if __name__ == "__main__":
    main(int(sys.argv[1]))
