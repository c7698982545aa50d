"""The questions of the templates, read from the questions files and evaluated as Copier does, without importing Copier."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import product
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, Any, NamedTuple

import yaml

from gopherforge import ouryaml
from gopherforge.errors import InvalidTemplates
from gopherforge.wording import describe, join_or

if TYPE_CHECKING:
    from gopherforge.expressions import Expressions

Value = str | bool
"""An answer. Every question is of type `str` or `bool`, and has a default."""

Answers = Mapping[str, Value]

_ATTRIBUTES = {"type", "help", "choices", "default", "placeholder", "validator", "when"}
_TEXT = r"'([\w.-]*)'"
_COMPARISON = re.compile(rf"\[\[ (\w+) ((?:==|!=) {_TEXT}|(?:not )?in \[{_TEXT}(?:, {_TEXT})*\]) \]\]", re.ASCII)
_TRUE = {"y", "yes", "t", "true", "on", "1"}
_FALSE = {"n", "no", "f", "false", "off", "0"}


class Question(NamedTuple):
    """One question as its file declares it. `default`, `validator` and a textual `when` are Jinja."""

    key: str
    type: str
    help: str
    choices: Mapping[str, str]  # label to value; empty where any text goes
    default: Value
    placeholder: str
    validator: str
    when: str | bool
    subject: str  # the name of its file

    @property
    def computed(self) -> bool:
        """Whether its value follows from other answers: never asked, never recorded."""
        return self.when is False

    @property
    def values(self) -> tuple[Value, ...]:
        """What can be answered; empty where any text goes."""
        return (True, False) if self.type == "bool" else tuple(self.choices.values())

    def parse(self, raw: object) -> Value:
        """The answer that a given value stands for. Raises ValueError with a sentence.

        Stricter than Copier, which takes any word for true, and a YAML number or boolean for text.
        """
        if self.type == "bool":
            return _parse_bool(self.key, raw)
        if not isinstance(raw, str):
            raise ValueError(f"{self.key} takes text, not {describe(raw)}: put it in quotes.")  # noqa: TRY004  (one kind for callers)
        if not _is_unicode(raw):
            raise ValueError(f"{self.key} is not valid UTF-8.")
        if self.choices and raw not in self.choices.values():
            raise ValueError(f"{self.key} cannot be {describe(raw)}: {join_or(self.choices.values())}.")
        return raw


@dataclass(frozen=True)
class Catalog:
    """The questions in the order in which they are asked."""

    questions: tuple[Question, ...]
    envops: Mapping[str, Any]  # Copier's settings of Jinja

    def __getitem__(self, key: str) -> Question:
        return self._by_key[key]

    def __contains__(self, key: object) -> bool:
        return key in self._by_key

    @property
    def askable(self) -> tuple[Question, ...]:
        """The questions that are not computed."""
        return tuple(question for question in self.questions if not question.computed)

    @property
    def templates(self) -> tuple[str, ...]:
        """The names of the templates, the default first."""
        return tuple(self["template"].choices.values())

    def asks(self, question: Question, answers: Answers) -> bool:
        """Whether the question is asked after these answers, which must hold every earlier key."""
        return _truth(self.render(question.when, answers))

    def surely_asks(self, question: Question, answers: Answers) -> bool | None:
        """Whether the question is asked after some of the answers, as far as it can be told without Jinja: None where it cannot.

        Conditions that compare one answer with texts are understood, such as `[[ a == 'x' ]]` and `[[ a not in ['x', 'y'] ]]`.
        """
        if isinstance(question.when, bool):
            return question.when
        found = _COMPARISON.fullmatch(question.when)
        if found is None or found[1] not in answers or self.envops.get("variable_start_string") != "[[":
            return None
        named = answers[found[1]] in re.findall(_TEXT, found[2], re.ASCII)
        return named != found[2].startswith(("!=", "not"))

    def default(self, question: Question, answers: Answers) -> Value:
        """The question's default after these answers."""
        rendered = self.render(question.default, answers)
        return _truth(rendered) if question.type == "bool" else str(rendered)

    def problem(self, question: Question, value: Value, answers: Answers) -> str:
        """The validator's sentence on a value, empty where it is valid."""
        return str(self.render(question.validator, {**answers, question.key: value})).strip()

    def asked_by(self, template: str) -> frozenset[str]:
        """The keys that a template asks after at least one combination of other answers."""
        possible: dict[str, tuple[Value, ...]] = {}
        asked = set()
        for question in self.questions:
            worlds = list(self._worlds(question, possible))
            here = [world for world in worlds if self.asks(question, world)]
            if here:
                asked.add(question.key)
            if question.key in self._decisive:
                defaults = {self.default(question, world) for world in worlds}
                possible[question.key] = tuple(question.values if here and question.values else defaults)
            if question.key == "template":
                possible["template"] = (template,)
        return frozenset(asked)

    def mentions(self, text: object) -> frozenset[str]:
        """The keys that some Jinja refers to."""
        return self._expressions.mentions(text) if isinstance(text, str) else frozenset()

    def render(self, text: object, answers: Answers) -> object:
        """Text as Jinja, anything else unchanged."""
        return self._expressions.render(text, answers) if isinstance(text, str) else text

    def _worlds(self, question: Question, possible: Mapping[str, tuple[Value, ...]]) -> Iterator[dict[str, Value]]:
        """Every combination of the earlier answers that decide whether it is asked, and what it decides itself by default."""
        mentioned = self.mentions(question.when)
        if question.key in self._decisive:
            mentioned |= self.mentions(question.default)
        keys = sorted(mentioned & possible.keys())
        for values in product(*(possible[key] for key in keys)):
            yield dict(zip(keys, values, strict=True))

    @cached_property
    def _decisive(self) -> frozenset[str]:
        """The keys whose values decide what is asked."""
        keys: frozenset[str] = frozenset()
        for question in reversed(self.questions):
            keys |= self.mentions(question.when)
            if question.key in keys:
                keys |= self.mentions(question.default)
        return keys

    @cached_property
    def _expressions(self) -> "Expressions":
        from gopherforge.expressions import Expressions

        return Expressions(self.envops)

    @cached_property
    def _by_key(self) -> Mapping[str, Question]:
        return {question.key: question for question in self.questions}


def load(root: Path) -> Catalog:
    """The questions below a directory with a copier.yml. Raises InvalidTemplates where Copier or we could not use them."""
    settings: dict[str, Any] = {}
    questions: dict[str, Question] = {}
    for subject, section in _sections(root):
        for key, value in section.items():
            if key.startswith("_"):
                settings[key] = value
            else:
                questions[key] = _question(key, value, subject)
    if "template" not in questions:
        raise InvalidTemplates(f"{root / 'copier.yml'} has no question `template`.")
    return Catalog(tuple(questions.values()), settings.get("_envops", {}))


def _sections(root: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every YAML document of copier.yml and of the files that it includes, with the name of its file."""
    for document in _documents(root, "copier.yml"):
        if isinstance(document, _Include):
            for included in _documents(root, document.path):
                yield PurePath(document.path).stem, _mapping(root / document.path, included)
        else:
            yield "copier", _mapping(root / "copier.yml", document)


def _mapping(path: Path, document: Any) -> dict[str, Any]:
    if not isinstance(document, dict) or not all(isinstance(key, str) for key in document):
        raise InvalidTemplates(f"{path} holds {describe(document)}, not a mapping of questions.")
    return document


def _documents(root: Path, path: str) -> list[Any]:
    try:
        text = (root / path).read_text(encoding="utf-8")
        return [document for document in yaml.load_all(text, _Loader) if document]
    except (OSError, ValueError, yaml.YAMLError) as error:
        raise InvalidTemplates(f"{root / path} cannot be read: {' '.join(str(error).split())}.") from error


def _question(key: str, declared: Any, subject: str) -> Question:
    """The question of a declaration. What Copier knows and we do not is refused rather than ignored."""
    where = f"question `{key}` in {subject}.yml"
    if not isinstance(declared, dict) or declared.keys() - _ATTRIBUTES:
        raise InvalidTemplates(f"{where} may have {join_or(sorted(_ATTRIBUTES))}, and nothing else.")
    kind, default = declared.get("type"), declared.get("default")
    if kind not in {"str", "bool"} or not isinstance(default, str | bool):
        raise InvalidTemplates(f"{where} needs a type, str or bool, and a default.")
    offered = declared.get("choices", {})
    return Question(
        key=key,
        type=kind,
        help=declared.get("help", ""),
        choices=dict(offered) if isinstance(offered, dict) else {value: value for value in offered},
        default=default,
        placeholder=declared.get("placeholder", ""),
        validator=declared.get("validator", ""),
        when=declared.get("when", True),
        subject=subject,
    )


def _truth(value: object) -> bool:
    """A condition's value, as Copier reads it: a number, a YAML boolean, or whether there is any text."""
    try:
        return bool(float(value))  # type: ignore[arg-type]  # what is no number raises
    except (TypeError, ValueError):
        word = str(value).strip().lower()
        return word not in {"", "n", "no", "f", "false", "off", "~", "null", "none"}


def _parse_bool(key: str, raw: object) -> bool:
    if isinstance(raw, bool):
        return raw
    word = str(raw).strip().lower() if isinstance(raw, str | int) else ""
    if word not in _TRUE | _FALSE:
        raise ValueError(f"{key} takes true or false, not {describe(raw)}.")
    return word in _TRUE


def _is_unicode(text: str) -> bool:
    """Whether text has no surrogates, which stand for bytes of the command line that are not UTF-8."""
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


class _Include(NamedTuple):
    path: str


class _Loader(ouryaml.Loader):
    """YAML with `!include PATH`."""


def _include(loader: _Loader, node: yaml.Node) -> _Include:
    if not isinstance(node, yaml.ScalarNode):
        raise yaml.constructor.ConstructorError(None, None, "!include takes a path", node.start_mark)
    return _Include(str(loader.construct_scalar(node)))


_Loader.add_constructor("!include", _include)
