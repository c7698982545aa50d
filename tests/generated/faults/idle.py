"""A program that holds connections to a service open, each of which has asked once, until the service has closed them all."""

import resource
import socket
import sys

SOURCES = 4
"""Addresses to connect from: each has fewer than 30,000 ports."""

REQUEST = b"GET /v1/users HTTP/1.1\r\nHost: test\r\n\r\n"

PATIENCE = 120.0


def main(address: str, count: int) -> None:
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    host, _, port = address.rpartition(":")
    connections = [asked(host, int(port), f"127.0.0.{2 + number % SOURCES}") for number in range(count)]
    sys.stdout.write("open\n")
    sys.stdout.flush()
    for connection in connections:
        assert connection.recv(1) == b"", "an answer that nobody asked for"
    sys.stdout.write("closed\n")


def asked(host: str, port: int, source: str) -> socket.socket:
    connection = socket.create_connection((host, port), PATIENCE, (source, 0))
    connection.sendall(REQUEST)
    assert connection.recv(65536).startswith(b"HTTP/1.1 200 OK\r\n")
    return connection


main(sys.argv[1], int(sys.argv[2]))
