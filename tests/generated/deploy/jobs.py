"""Jobs for a worker, sent as its operator would: by the worker's own command."""

import subprocess
from collections.abc import Mapping, Sequence

from tests.generated.conftest import Project
from tests.generated.service import PATIENCE
from tests.gotools import environment


def send(bodies: Sequence[str], project: Project, settings: Mapping[str, str]) -> None:
    """Sends each body as one job."""
    done = subprocess.run(
        [project.binary(), "produce"],
        env={**environment(), **settings},
        input="".join(f"{body}\n" for body in bodies),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        timeout=PATIENCE,
        check=False,
    )
    assert done.returncode == 0, done.stdout
