"""A Prometheus of our own with a project's configuration and rules, in a hurry: every second, and no alert waits."""

import http.client
import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import yaml

from tests.generated.service import PATIENCE, eventually
from tests.support import free_port, program

PERIOD = "1s"
"""How often it scrapes and evaluates."""

Labels = dict[str, str]


@dataclass(frozen=True)
class Rules:
    """The rules of a project, by their names."""

    recorded: dict[str, str]
    alerts: dict[str, list[str]]
    """An alert may have several expressions, with labels that differ."""

    @property
    def expressions(self) -> list[str]:
        return [*self.recorded.values(), *(expression for several in self.alerts.values() for expression in several)]


def rules_of(project: Path) -> Rules:
    rules = [
        rule
        for path in sorted((project / "deploy/prometheus/rules").iterdir())
        for group in _read(path)["groups"]
        for rule in group["rules"]
    ]
    alerts: dict[str, list[str]] = {}
    for rule in rules:
        if "alert" in rule:
            alerts.setdefault(rule["alert"], []).append(rule["expr"])
    return Rules({rule["record"]: rule["expr"] for rule in rules if "record" in rule}, alerts)


class Prometheus:
    """A running Prometheus."""

    def __init__(self, port: int) -> None:
        self._port = port

    def is_ready(self) -> bool:
        try:
            return self._get("/-/ready")[0] == HTTPStatus.OK
        except ConnectionRefusedError:
            return False

    def query(self, expression: str) -> list[Labels]:
        """The labels of every series that an expression gives now."""
        found: list[dict[str, Labels]] = self._ask("/api/v1/query", query=expression)["result"]
        return [series["metric"] for series in found]

    def label_values(self, selector: str, label: str) -> list[str]:
        values: list[str] = self._ask(f"/api/v1/label/{label}/values", **{"match[]": selector})
        return values

    def firing(self) -> set[str]:
        """The names of the alerts that fire now."""
        return {alert["labels"]["alertname"] for alert in self._ask("/api/v1/alerts")["alerts"]}

    def _ask(self, path: str, **parameters: str) -> Any:
        answer = json.loads(self._get(f"{path}?{urlencode(parameters)}")[1])
        assert answer["status"] == "success", answer
        return answer["data"]

    def _get(self, path: str) -> tuple[int, bytes]:
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=PATIENCE)
        try:
            connection.request("GET", path)
            response = connection.getresponse()
            return response.status, response.read()
        finally:
            connection.close()


@contextmanager
def running_prometheus(project: Path, target: str, directory: Path) -> Iterator[Prometheus]:
    """Starts a Prometheus that scrapes one target as the project says, and ends it afterwards."""
    port = free_port()
    command = [
        program("prometheus"),
        f"--config.file={_configuration(project, target, directory)}",
        f"--storage.tsdb.path={directory / 'data'}",
        f"--web.listen-address=127.0.0.1:{port}",
    ]
    with (directory / "log").open("w") as log, subprocess.Popen(command, stdin=subprocess.DEVNULL, stderr=log) as process:
        try:
            prometheus = Prometheus(port)
            eventually(prometheus.is_ready)
            yield prometheus
        finally:
            process.kill()


def _configuration(project: Path, target: str, directory: Path) -> Path:
    place = project / "deploy/prometheus"
    configuration = _read(place / "prometheus.yaml")
    configuration["global"] = dict.fromkeys(configuration["global"], PERIOD)
    (job,) = configuration["scrape_configs"]
    job["static_configs"] = [{"targets": [target]}]
    for path in sorted(path for pattern in configuration["rule_files"] for path in place.glob(pattern)):
        _write(directory / path.relative_to(place), _without_waiting(_read(path)))
    _write(directory / "prometheus.yaml", configuration)
    return directory / "prometheus.yaml"


def _without_waiting(rules: dict[str, Any]) -> dict[str, Any]:
    for group in rules["groups"]:
        for rule in group["rules"]:
            rule.pop("for", None)
    return rules


def _read(path: Path) -> Any:
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def _write(path: Path, document: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(yaml.safe_dump(document), encoding="utf-8")
