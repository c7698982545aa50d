"""A generated service on disk: answers, version."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import yaml

from gopherforge.errors import InvalidProject

ANSWERS_FILE = ".copier-answers.yml"


@dataclass(frozen=True)
class Record:
    """What a service records about its making: the templates' address and version, and the answers."""

    url: str
    version: str
    answers: Mapping[str, object]


def read_record(directory: Path) -> Record:
    """The record of the service in `directory`. Raises InvalidProject where there is none that an update could start from."""
    path = directory / ANSWERS_FILE
    try:
        document = yaml.safe_load(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        message = f"{directory} is no service that gopherforge made: it has no {ANSWERS_FILE}."
        raise InvalidProject(message, "name the directory of a service.") from error
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise InvalidProject(f"{path} cannot be read as YAML.") from error
    if not isinstance(document, dict) or not all(isinstance(document.get(key), str) for key in ("_src_path", "_commit")):
        raise InvalidProject(f"{path} does not say which template the service was made from, and at which version.")
    return Record(document.pop("_src_path"), document.pop("_commit"), document)
