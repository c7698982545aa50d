"""The Grafana dashboards of a project, with the variables of their queries replaced."""

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

RATE_INTERVAL = "1m"
"""What Grafana makes of $__rate_interval: at least four times the time between two scrapes."""


@dataclass(frozen=True)
class Query:
    """One query of a panel."""

    panel: str
    expression: str
    legend: str


@dataclass(frozen=True)
class Dashboard:
    """A dashboard as it is in its file."""

    name: str
    model: dict[str, Any]

    @property
    def panels(self) -> list[dict[str, Any]]:
        return [panel for panel in self.model["panels"] if panel["type"] != "row"]

    def queries(self, service: str) -> list[Query]:
        """Every query, as Grafana would send it for all instances of a service."""
        return [
            Query(f"{self.name}: {panel['title']}", _replaced(target["expr"], service), target["legendFormat"])
            for panel in self.panels
            for target in panel["targets"]
        ]

    def annotations(self, service: str) -> list[str]:
        return [_replaced(annotation["expr"], service) for annotation in self.model["annotations"]["list"]]

    def variables(self, service: str) -> list[tuple[str, str]]:
        """The selector and the label whose values each variable offers."""
        queries = [
            _replaced(variable["query"]["query"], service)
            for variable in self.model["templating"]["list"]
            if variable["type"] == "query"
        ]
        found = [re.fullmatch(r"label_values\((.+), (\w+)\)", query) for query in queries]
        return [(match[1], match[2]) for match in found if match]


def dashboards_of(project: Path) -> list[Dashboard]:
    return [
        Dashboard(path.stem, json.loads(path.read_text(encoding="utf-8")))
        for path in sorted((project / "deploy/grafana").glob("*.json"))
    ]


def _replaced(expression: str, service: str) -> str:
    for variable, value in {"$__rate_interval": RATE_INTERVAL, "$instance": ".+", "$job": service}.items():
        expression = expression.replace(variable, value)
    return expression
