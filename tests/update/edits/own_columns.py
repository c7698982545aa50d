"""Users get a phone number: a column with its migration, a field in the domain and in the API."""

from pathlib import Path

from tests.generated.first_edits import http_service
from tests.generated.first_edits.author import Author


def edit(service: Path) -> None:
    http_service.add_a_field(Author(service), has_database=True)
