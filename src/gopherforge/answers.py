"""Answers that were given without a prompt: read, checked against the questions, completed by the defaults."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import yaml

from gopherforge.catalog import Answers, Catalog, Question, Value
from gopherforge.errors import InvalidAnswer, InvalidDataFile, UsageError
from gopherforge.wording import describe, join_and, join_or, suggest

DATA_FILE_LIMIT = 1 << 20  # bytes

OPTIONS_HINT = "`gopherforge options` lists every question and its answers."


def read(data: Sequence[str], data_file: Path | None) -> dict[str, object]:
    """The raw answers of `--data-file` and `--data`, of which the latter win."""
    return (read_file(data_file) if data_file else {}) | dict(_pair(argument) for argument in data)


def read_file(path: Path) -> dict[str, object]:
    """The answers in a YAML file. Raises InvalidDataFile with what is wrong about it."""
    try:
        with path.open("rb") as file:
            content = file.read(DATA_FILE_LIMIT + 1)
    except OSError as error:
        raise InvalidDataFile(f"{path} cannot be read: {error.strerror}.") from error
    if len(content) > DATA_FILE_LIMIT:
        raise InvalidDataFile(f"{path} is larger than 1 MiB, which no file of answers is.")
    try:
        parsed = yaml.load(content.decode("utf-8-sig"), _Loader)  # noqa: S506  (derived from SafeLoader)
    except UnicodeDecodeError as error:
        raise InvalidDataFile(f"{path} is not a text file in UTF-8.") from error
    except yaml.YAMLError as error:
        raise InvalidDataFile(f"{path} is not valid YAML{_where(error)}.") from error
    except (ValueError, RecursionError) as error:  # such as the date 2026-99-99, or brackets nested a thousand deep
        raise InvalidDataFile(f"{path} holds a value that YAML cannot represent.") from error
    return _mapping(path, parsed)


def check(catalog: Catalog, given: Mapping[str, object]) -> None:
    """Refuses every given answer that is wrong whatever else will be answered, which may still be the template.

    Raises one InvalidAnswer for all of them.
    """
    problems = _problems(catalog, given)
    if problems:
        raise InvalidAnswer("\n".join(problems), OPTIONS_HINT)


def complete(catalog: Catalog, given: Mapping[str, object]) -> dict[str, Value]:
    """The given answers and the defaults of all other questions that are asked, in the order of the questions.

    Raises InvalidAnswer where an answer is wrong, or given to a question that these answers do not lead to.
    """
    check(catalog, {"template": catalog["template"].default, **given})
    values: dict[str, Value] = {}
    asked: dict[str, Value] = {}
    for question in catalog.questions:
        key = question.key
        visible = catalog.asks(question, values)
        if key in given and not visible:
            raise InvalidAnswer(f'"{key}" is not asked with these answers.', OPTIONS_HINT)
        values[key] = question.parse(given[key]) if key in given else catalog.default(question, values)
        if visible:
            asked[key] = values[key]
            if sentence := catalog.problem(question, values[key], values):
                raise InvalidAnswer(f"{key}: {sentence}", OPTIONS_HINT)
    return asked


def revise(catalog: Catalog, recorded: Mapping[str, object], given: Mapping[str, object]) -> dict[str, Value]:
    """The given answers as values, once they are known to go with what a service has recorded.

    A recorded answer counts while its question is asked and accepts it, else the default does, as when an update is rendered.
    Raises InvalidAnswer as `complete` does.
    """
    check(catalog, {"template": recorded.get("template", catalog["template"].default), **given})
    values: dict[str, Value] = {}
    for question in catalog.questions:
        key = question.key
        visible = catalog.asks(question, values)
        if key in given and not visible:
            raise InvalidAnswer(f'"{key}" is not asked with these answers.', OPTIONS_HINT)
        source = given if key in given else recorded if visible else {}
        values[key] = _accepted(catalog, question, source, values)
        if key in given and (sentence := catalog.problem(question, values[key], values)):
            raise InvalidAnswer(f"{key}: {sentence}", OPTIONS_HINT)
    return {key: values[key] for key in given}


def context(catalog: Catalog, answers: Answers) -> dict[str, Value]:
    """These answers with the defaults of every other question, asked or not: what conditions and validators refer to."""
    values: dict[str, Value] = {}
    for question in catalog.questions:
        values[question.key] = answers[question.key] if question.key in answers else catalog.default(question, values)
    return values


def distinctive(catalog: Catalog, answers: Answers, name: str) -> dict[str, Value]:
    """The answers that would have to be given to get them all again from the defaults, in a directory of this name."""
    values: dict[str, Value] = {}
    different: dict[str, Value] = {}
    for question in catalog.questions:
        default = name if question.key == "name" else catalog.default(question, values)
        values[question.key] = answers.get(question.key, default)
        if values[question.key] != default:
            different[question.key] = values[question.key]
    return different


def unasked(catalog: Catalog, key: str, template: str) -> str:
    """The sentence on an answer to a question that a template never asks; empty where it may."""
    if key in catalog.asked_by(template):
        return ""
    others = [other for other in catalog.templates if key in catalog.asked_by(other)]
    return f'"{key}" is not asked by {template}{f", but by {join_or(others)}" if others else ""}.'


def _pair(argument: str) -> tuple[str, str]:
    key, separator, value = argument.partition("=")
    if not separator or not key.strip():
        raise UsageError(f"--data takes KEY=VALUE, not {describe(argument)}.", "write it as in --data database=postgres.")
    return key.strip(), value


def _mapping(path: Path, parsed: Any) -> dict[str, object]:
    if parsed is None:
        return {}
    if not isinstance(parsed, dict):
        raise InvalidDataFile(f"{path} holds {describe(parsed)}, not a mapping of keys to answers.")
    for key in parsed:
        if not isinstance(key, str):
            raise InvalidDataFile(f"{path} has a key that is not text but {describe(key)}: put it in quotes.")
    return parsed


def unanswered(catalog: Catalog, recorded: Mapping[str, object]) -> tuple[str, ...]:
    """The keys of the questions that are asked after what a service has recorded, and that it has recorded no answer to."""
    asked = _surely_asked(catalog, recorded)
    if None not in asked.values():
        return tuple(key for key, surely in asked.items() if surely)
    values: dict[str, Value] = {}
    keys = []
    for question in catalog.questions:
        visible = catalog.asks(question, values)
        if visible and question.key not in recorded:
            keys.append(question.key)
        values[question.key] = _accepted(catalog, question, recorded if visible else {}, values)
    return tuple(keys)


def _surely_asked(catalog: Catalog, recorded: Mapping[str, object]) -> dict[str, bool | None]:
    """Whether each question without a recorded answer is asked, None where that cannot be told without importing Jinja."""
    certain: dict[str, Value] = {}
    for question in catalog.askable:
        if question.when is True and question.key in recorded:
            with suppress(ValueError):
                certain[question.key] = question.parse(recorded[question.key])
    return {question.key: catalog.surely_asks(question, certain) for question in catalog.askable if question.key not in recorded}


def _accepted(catalog: Catalog, question: Question, given: Mapping[str, object], values: Answers) -> Value:
    """The given answer; the default where there is none, or none that the question takes."""
    with suppress(KeyError, ValueError):
        return question.parse(given[question.key])
    return catalog.default(question, values)


def _problems(catalog: Catalog, given: Mapping[str, object]) -> list[str]:
    problems = [_unknown(catalog, key) for key in given if key not in catalog or catalog[key].computed]
    answers: dict[str, Value] = {}
    for question in catalog.askable:
        if question.key in given:
            try:
                answers[question.key] = question.parse(given[question.key])
            except ValueError as error:
                problems.append(f"{error}{suggest(given[question.key], question.choices.values())}")
    values = context(catalog, answers)
    template = str(answers.get("template", ""))
    if not template and not any(answers.keys() <= catalog.asked_by(each) for each in catalog.templates):
        special = [key for key in answers if any(unasked(catalog, key, each) for each in catalog.templates)]
        problems.append(f"no template asks {join_and(map(describe, special))} together.")
    for key, value in answers.items():
        if template and (sentence := unasked(catalog, key, template)):
            problems.append(sentence)
        elif sentence := catalog.problem(catalog[key], value, values):
            problems.append(f"{key}: {sentence}")
    return problems


def _unknown(catalog: Catalog, key: str) -> str:
    if key in catalog:
        return f'"{key}" follows from other answers and cannot be given.'
    return f"{describe(key)} is not a question.{suggest(key, (question.key for question in catalog.askable))}"


def _where(error: yaml.YAMLError) -> str:
    mark = getattr(error, "problem_mark", None)
    reason = getattr(error, "problem", None) or getattr(error, "reason", None)
    line = f" in line {mark.line + 1}" if mark else ""
    return f"{line}: {reason}" if reason else line


class _Loader(yaml.SafeLoader):
    """YAML without aliases, which could stand for gigabytes, and without repeated keys."""

    def compose_node(self, parent: Any, index: Any) -> Any:
        if self.check_event(yaml.AliasEvent):
            raise yaml.composer.ComposerError(None, None, "aliases are not supported here")
        return super().compose_node(parent, index)

    def construct_mapping(self, node: Any, deep: bool = False) -> Any:  # noqa: FBT001, FBT002  (as in PyYAML)
        seen = set()
        for key, _ in node.value:
            if isinstance(key, yaml.ScalarNode) and key.value in seen:
                raise yaml.constructor.ConstructorError(None, None, f"{describe(key.value)} is given twice", key.start_mark)
            seen.add(key.value if isinstance(key, yaml.ScalarNode) else None)
        return super().construct_mapping(node, deep)
