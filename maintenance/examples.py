"""Renders examples/ again: of every template the defaults and everything on, from the work tree. A test compares."""

import shutil
import tempfile
from pathlib import Path

from tests.rendering import ANSWERS_FILE, copy_template, render
from tests.source import ROOT
from tests.variants import landmarks

EXAMPLES = ROOT / "examples"


def main() -> None:
    """Write every landmark's rendering, in place of whatever is there."""
    with tempfile.TemporaryDirectory() as directory:
        template = copy_template(Path(directory) / "template")
        shutil.rmtree(EXAMPLES, ignore_errors=True)
        for landmark in landmarks():
            example = render(template, EXAMPLES / str(landmark), landmark.answers)
            (example / ANSWERS_FILE).unlink()  # it would name the directory of this machine
            print(example.relative_to(ROOT))


if __name__ == "__main__":
    main()
