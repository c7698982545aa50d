"""What `gopherforge set` does: it changes answers of a service, at the version of the templates that it has."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from gopherforge import answers, delivery
from gopherforge.catalog import Catalog, Value, load
from gopherforge.change import Options, Place, Target, shown, unchanged
from gopherforge.errors import InvalidAnswer, UsageError
from gopherforge.report import Result
from gopherforge.service import Service
from gopherforge.source import Source
from gopherforge.summary import as_given
from gopherforge.wording import describe, join_and, printable

_FIXED = {
    "template": "make a new service, and move your code there.",
    "name": "rename it by hand: gopherforge keeps what you change.",
    "module": "change it in go.mod and in the imports, and commit that: the next update follows.",
}
"""What can no more be answered anew, and what to do instead."""

_LONGEST = 60  # characters of a branch's or a label's last part


@dataclass(frozen=True)
class Request:
    """The command's arguments, each KEY=VALUE or, at most one, DIR; and its options."""

    words: tuple[str, ...]
    options: Options


def set_answers(request: Request, place: Place) -> Result:
    """Changes answers. Raises ForgeError as `carry_out`."""
    given, directory = _read(request.words)
    options = replace(request.options, directory=directory)
    return delivery.carry_out(lambda service, source: _target(service, source, given, place), options, place)


def _read(words: Sequence[str]) -> tuple[dict[str, str], str]:
    """The raw answers and the service's directory: whatever has a = is an answer."""
    given: dict[str, str] = {}
    directories = []
    for word in words:
        key, separator, value = word.partition("=")
        if not separator:
            directories.append(word)
        elif not key.strip():
            raise UsageError(f"set takes KEY=VALUE, not {describe(word)}.", "write it as in gopherforge set database=postgres.")
        elif key.strip() in given:
            raise UsageError(f"{printable(key.strip())} is answered twice.", "answer each question once.")
        else:
            given[key.strip()] = value
    if len(directories) > 1:
        raise UsageError(
            f"{join_and(map(describe, directories))} cannot both be the service's directory.",
            "give one directory, and answers as in database=postgres.",
        )
    if not given:
        lacking = f": {describe(directories[0])} has no =" if directories else ""
        raise UsageError(f"set needs an answer to change{lacking}.", "write it as in gopherforge set database=postgres.")
    return given, directories[0] if directories else "."


def _target(service: Service, source: Source, given: Mapping[str, str], place: Place) -> Target | Result:
    record = service.record
    for key in sorted(given.keys() & _FIXED):
        raise InvalidAnswer(f'"{key}" cannot be changed once a service is made.', _FIXED[key])
    catalog = load(source.templates(record.version).root)
    _require_old_enough(given, catalog, record.version, source)
    chosen = answers.revise(catalog, service.answers, given)
    if all(key in record.answers and record.answers[key] == value for key, value in chosen.items()):
        return _nothing(service, chosen, place)
    pairs = _pairs(chosen)
    return Target(
        version=record.version,
        answers=chosen,
        title=f"Set {join_and(pairs)}",
        done=f"Set {join_and(pairs)}",
        branch=f"set-{_slug(pairs)}".replace("=", "-"),
        label=f"{record.version}-with-{_slug(pairs)}",
    )


def _require_old_enough(given: Mapping[str, str], catalog: Catalog, version: str, source: Source) -> None:
    """Raise InvalidAnswer where a question is newer than the version that the service has."""
    unknown = sorted(key for key in given if key not in catalog)
    if unknown and version != source.newest:
        newest = load(source.templates(source.newest).root)
        for key in unknown:
            if key in newest and not newest[key].computed:
                message = f'"{key}" is not a question at {version}, which the service has, but at {source.newest}.'
                raise InvalidAnswer(message, "update the service first.")


def _nothing(service: Service, chosen: Mapping[str, Value], place: Place) -> Result:
    told = f"{shown(service, place)} has {join_and(_pairs(chosen))} already: nothing to do."
    return Result(unchanged(service), told)


def _pairs(chosen: Mapping[str, Value]) -> list[str]:
    """The answers as a line names them, the long ones shortened."""
    told = {key: printable(as_given(value)) for key, value in sorted(chosen.items())}
    return [f"{key}={value if len(value) <= _LONGEST else f'{value[:_LONGEST]}…'}" for key, value in told.items()]


def _slug(pairs: Sequence[str]) -> str:
    """The answers as a part of a label or a branch's name."""
    return re.sub("[^A-Za-z0-9=]+", "-", "-".join(pairs)).strip("-")[:_LONGEST].rstrip("-")
