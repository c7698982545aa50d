"""Counts how often git is started."""

import os
import subprocess
from pathlib import Path


def counted(place: Path) -> dict[str, str]:
    """An environment in which git notes each of its starts."""
    real = subprocess.check_output(["sh", "-c", "command -v git"], text=True).strip()
    (place / "bin").mkdir(exist_ok=True)
    (place / "bin/git").write_text(f'#!/bin/sh\necho "$@" >> "{place}/calls"\nexec {real} "$@"\n')
    (place / "bin/git").chmod(0o755)
    return {**os.environ, "PATH": f"{place}/bin:{os.environ['PATH']}"}
