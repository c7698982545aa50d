"""What an expression of Prometheus asks for, and whether a running Prometheus has it."""

from collections.abc import Iterator
from typing import Any

import promql_parser as promql

from tests.generated.deploy.prometheus import Prometheus


def missing(expression: str, prometheus: Prometheus) -> list[str]:
    """The selectors of an expression that no series matches, and the labels of its groupings that no series of a selector has."""
    found = {selector: prometheus.query(selector) for selector in selectors(expression)}
    absent = [selector for selector, series in found.items() if not series]
    return absent + [
        f"{label} of {selector}"
        for label, needed in groupings(expression)
        for selector in needed
        if selector not in absent and not any(label in series for series in found[selector])
    ]


def selectors(expression: str) -> list[str]:
    """Every selector in an expression, as one that can be asked for."""
    return [_selector(node) for node in _nodes(promql.parse(expression)) if isinstance(node, promql.VectorSelector)]


def groupings(expression: str) -> list[tuple[str, list[str]]]:
    """Every label that an expression groups or matches by, with the selectors whose series should have it."""
    return [
        (label, selectors(str(operand)))
        for node in _nodes(promql.parse(expression))
        for labels, operand in _grouped(node)
        for label in labels
    ]


def _grouped(node: Any) -> Iterator[tuple[list[str], Any]]:
    if isinstance(node, promql.AggregateExpr) and node.modifier:
        yield node.modifier.labels, node.expr
    if isinstance(node, promql.BinaryExpr) and node.modifier and node.modifier.matching:
        yield node.modifier.matching.labels, node.lhs
        yield node.modifier.matching.labels, node.rhs


def _nodes(expression: promql.Expr) -> list[Any]:
    nodes: list[Any] = []
    promql.walk(expression, nodes.append)
    return nodes


def _selector(node: promql.VectorSelector) -> str:
    return f"{node.name or ''}{node.matchers}"
