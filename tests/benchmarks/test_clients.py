import socket
import sys
import threading
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from benchmarks.clients import cut_off, stop_under_load
from benchmarks.load import capacity, latency
from benchmarks.servers import Server, free_address, running
from tests.support import program

Start = Callable[[], AbstractContextManager[Server]]


@pytest.fixture
def start() -> Start:
    def start() -> AbstractContextManager[Server]:
        address = free_address()
        command: list[str | Path] = [sys.executable, Path(__file__).with_name("server.py"), address.partition(":")[2]]
        return running(command, address, address, env={})

    return start


def test_a_server_that_stops_between_answers_loses_no_request(start: Start) -> None:
    with start() as server:
        stop = stop_under_load(server, "/")

    assert stop.answered > 0
    assert stop.lost == 0
    assert stop.exit_status == 0


def test_an_answer_broken_off_is_a_lost_request(start: Start) -> None:
    with start() as server:
        stop = stop_under_load(server, "/abrupt")

    assert stop.lost > 0
    assert stop.exit_status == 3


def test_it_is_measured_when_a_silent_client_is_cut_off() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def close_the_first() -> None:
            first, _ = listener.accept()
            with first:
                first.recv(1)

        thread = threading.Thread(target=close_the_first)
        thread.start()
        address = f"127.0.0.1:{listener.getsockname()[1]}"
        closed = cut_off({"closed": (address, b"G"), "kept": (address, b"G")}, 1)
        thread.join()

    assert closed["closed"] is not None
    assert closed["closed"] < 1
    assert closed["kept"] is None


def test_only_good_answers_count_as_capacity(start: Start) -> None:
    program("wrk")
    with start() as server:
        good, busy = capacity(server, "/", 1), capacity(server, "/busy", 1)

    assert good.refused == 0
    assert good.rate > 0
    assert good.processor > 0
    assert busy.refused == pytest.approx(0.5, abs=0.1)


def test_the_response_times_are_those_of_good_answers(start: Start) -> None:
    program("hey")
    with start() as server:
        good, busy = latency(server, "/", 32, 2), latency(server, "/busy", 32, 2)

    assert good.refused == 0
    assert 0 < good.p50 <= good.p99
    assert busy.refused == pytest.approx(0.5, abs=0.1)
