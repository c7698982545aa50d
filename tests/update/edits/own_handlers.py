"""A route of the author's, with its handler, its part of the OpenAPI document, and a test."""

from pathlib import Path

from tests.generated.first_edits import http_service
from tests.generated.first_edits.author import Author


def edit(service: Path) -> None:
    http_service.add_a_route(Author(service))
