"""Another kind of job, and a setting for it in the managed configuration."""

from pathlib import Path

from tests.generated.first_edits import worker
from tests.generated.first_edits.author import Author


def edit(service: Path) -> None:
    author = Author(service)
    worker.add_a_kind_of_job(author)
    worker.add_a_setting(author)
