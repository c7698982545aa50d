"""What a service records about its making, read from its answers file; whether a version of the templates can follow on it."""

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from gopherforge import bundle
from gopherforge.errors import CannotUpdate, InvalidProject
from gopherforge.wording import describe, printable

ANSWERS_FILE = ".copier-answers.yml"

# A comment, or `key: value` where YAML can only take the value for this text, or for true or false: what begins as a word or a
# path does, without a character that could mean something where it stands.
_LINE = re.compile(
    r"(?:# [ -~]*|([a-z_]{1,100}): ([A-Za-z/](?:[\w./@%+,()-]|:(?=[\w./])| (?=[\w./(]))*|'[\w ./:@%+,()-]*'))?", re.ASCII
)
_BOOLEANS = {"true": True, "false": False}
_WORDS = {"n", "no", "null", "off", "on", "y", "yes", *_BOOLEANS}  # which versions of YAML take for something else than text


class Record(NamedTuple):
    """What a service records about its making: the templates' address and version, and the answers."""

    url: str
    version: str
    answers: Mapping[str, object]

    @property
    def template(self) -> str:
        """The template; empty where none is recorded."""
        template = self.answers.get("template")
        return template if isinstance(template, str) else ""


def read_record(directory: Path) -> Record:
    """The record of the service in `directory`. Raises InvalidProject where there is none that an update could start from."""
    path = directory / ANSWERS_FILE
    try:
        content = path.read_bytes()
    except FileNotFoundError as error:
        message = f"{directory} is no service that gopherforge made: it has no {ANSWERS_FILE}."
        raise InvalidProject(message, "name the directory of a service.") from error
    except OSError as error:
        raise InvalidProject(f"{path} cannot be read: {error.strerror}.") from error
    return parse_record(content, path)


def parse_record(content: bytes, path: Path) -> Record:
    """The record that an answers file holds. Raises InvalidProject, which calls it `path`."""
    try:
        text = content.decode("utf-8")
        document = _plain(text) or _yaml(text)
    except Exception as error:  # whatever int, datetime or base64 raise about a value that YAML gives them
        raise InvalidProject(f"{path} cannot be read as YAML.") from error
    if not isinstance(document, dict) or not all(isinstance(document.get(key), str) for key in ("_src_path", "_commit")):
        raise InvalidProject(f"{path} does not say which template the service was made from, and at which version.")
    if odd := [key for key in document if not isinstance(key, str)]:
        raise InvalidProject(f"{path} has a key that is not text but {describe(odd[0])}: put it in quotes.")
    if odd := [key for key, value in document.items() if not _is_json(value)]:
        message = f"{path} records a value of {describe(odd[0])} that JSON cannot hold, such as a date: put it in quotes."
        raise InvalidProject(message)
    return Record(document.pop("_src_path"), document.pop("_commit"), document)


def check_version(record: Record, *, known: bool, newest: str) -> None:
    """Raise CannotUpdate where the recorded version is not `known` to this installation, whose newest is given."""
    if known:
        return
    if bundle.DESCRIBED.fullmatch(record.version) and bundle.order(record.version) > bundle.order(newest):
        raise CannotUpdate(
            f"the service was made with {record.version}, and this gopherforge goes to {newest}.", "install a newer gopherforge."
        )
    raise CannotUpdate(
        f"the service records {describe(record.version)}, which is no version of these templates.",
        f"set _commit in {ANSWERS_FILE} to the release that it is from, vX.Y.Z, or install the gopherforge that made it.",
    )


def check_origin(record: Record, url: str) -> None:
    """Raise CannotUpdate unless the service was made from a version of the templates at `url`, ours."""
    if record.version == bundle.WORK_TREE:
        raise CannotUpdate(
            "the service was made from a work tree of the templates, which has no version to start from.",
            "make it again from a release.",
        )
    if record.url != url:
        raise CannotUpdate(
            f"the service follows the templates of {printable(record.url)}, and this gopherforge has those of {url}.",
            f"where they are the same, set _src_path to {url} in {ANSWERS_FILE} and commit it.",
        )


def _plain(text: str) -> dict[str, object] | None:
    """The mapping that a text holds, where each line is as Copier writes most answers; None where only YAML can tell."""
    document: dict[str, object] = {}
    for line in text.split("\n"):
        found = _LINE.fullmatch(line)
        if found is None:
            return None
        key, value = found.groups()
        if key in _WORDS or (value and value.lower() in _WORDS and value not in _BOOLEANS):
            return None
        if key:
            document[key] = _BOOLEANS.get(value, value.strip("'"))
    return document


def _is_json(value: object) -> bool:
    """Whether a value can be told to programs."""
    if isinstance(value, (str, bool)):
        return True
    try:
        json.dumps(value, allow_nan=False)
    except (TypeError, ValueError, RecursionError):
        return False
    return True


def _yaml(text: str) -> object:
    import yaml  # takes longer to import than git takes to tell what changed

    return yaml.safe_load(text)
