"""Which combinations of answers are proven: derived from the questions, so that a new question is proven without an edit here."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

from allpairspy import AllPairs

from gopherforge.catalog import Question, Value
from tests.source import CATALOG

IDENTITY = {"name": "user-service"}
"""What every variant is called; all other free text keeps its default."""


@dataclass(frozen=True)
class Variant:
    """A template and its answers. The label is `defaults`, `full`, or what differs from the defaults."""

    template: str
    label: str
    options: tuple[tuple[str, Value], ...]

    def __str__(self) -> str:
        return f"{self.template}-{self.label}"

    @property
    def answers(self) -> dict[str, Value]:
        return {"template": self.template, **IDENTITY, **dict(self.options)}

    def meets(self, condition: str) -> bool:
        """Whether it is what a table says: `always`, or `key=value|value and key=value`."""
        answers = {key: str(value).lower() for key, value in self.answers.items()}
        wanted = [one.lower().split("=") for one in condition.split(" and ") if one != "always"]
        return all(answers.get(key) in values.split("|") for key, values in wanted)


@cache
def variants() -> tuple[Variant, ...]:
    """Of every template: the defaults, everything on, each option flipped, and rows for the pairs that these leave out."""
    return tuple(variant for template in CATALOG.templates for variant in _of(template))


def landmarks() -> list[Variant]:
    """Of every template: the defaults and everything on. These are the goldens in examples/, too."""
    return [variant for variant in variants() if variant.label in {"defaults", "full"}]


def one_with_each(template: str, key: str) -> dict[Value, Variant]:
    """For each answer to a question of a template, the first variant that has it."""
    return {dict(variant.options)[key]: variant for variant in reversed(variants()) if variant.template == template}


def variant_of(template: str, chosen: Mapping[str, Value]) -> Variant:
    """What a template makes of these answers, with the defaults for the rest. It need not be one that is proven."""
    answers = _settled(template, chosen)
    asked = _asked(template, answers)
    proven = {variant.options: variant for variant in variants() if variant.template == template}
    return proven.get(asked) or Variant(template, _difference(answers, _settled(template, {})), asked)


def options(template: str) -> dict[str, tuple[Value, ...]]:
    """What a template offers: the questions that have choices, and their values."""
    asked = CATALOG.asked_by(template) - {"template"}
    return {question.key: question.values for question in CATALOG.questions if question.key in asked and question.values}


def _of(template: str) -> list[Variant]:
    offered = options(template)
    defaults = _settled(template, {})
    full = _settled(template, {key: _most(values) for key, values in offered.items()})
    flipped = [_settled(template, {key: value}) for key, values in offered.items() for value in values]
    fixed = _unique([defaults, full, *flipped])

    def possible(row: list[Value]) -> bool:
        chosen = dict(zip(offered, row, strict=False))
        return chosen.items() <= _settled(template, chosen).items()

    rows = [[answers[key] for key in offered] for answers in fixed]
    pairs = [_settled(template, dict(zip(offered, row, strict=True))) for row in AllPairs([*offered.values()], possible, rows)]
    labels = {0: "defaults", 1: "full"}
    return [
        Variant(template, labels.get(place) or _difference(answers, defaults), _asked(template, answers))
        for place, answers in enumerate(_unique([*fixed, *pairs]))
    ]


def _settled(template: str, chosen: Mapping[str, Value]) -> dict[str, Value]:
    """Every answer that Copier would arrive at; a question that is not asked takes its default, whatever was chosen."""
    answers: dict[str, Value] = {"template": template, **IDENTITY}
    for question in CATALOG.questions:
        if question.key not in answers:
            default = CATALOG.default(question, answers)
            answers[question.key] = chosen.get(question.key, default) if CATALOG.asks(question, answers) else default
    return answers


def _asked(template: str, answers: Mapping[str, Value]) -> tuple[tuple[str, Value], ...]:
    return tuple((key, answers[key]) for key in options(template) if CATALOG.asks(CATALOG[key], answers))


def _most(values: tuple[Value, ...]) -> Value:
    """What "everything on" means: yes, or the first choice that is not "none"."""
    return next(value for value in values if value not in {False, "none"})


def _difference(answers: Mapping[str, Value], defaults: Mapping[str, Value]) -> str:
    changed = [key for key in answers if answers[key] != defaults[key] and _is_option(CATALOG[key])]
    return "+".join(f"{key}:{answers[key]}".lower() for key in changed)


def _is_option(question: Question) -> bool:
    return bool(question.values) and not question.computed


def _unique(rows: list[dict[str, Value]]) -> list[dict[str, Value]]:
    return [row for place, row in enumerate(rows) if row not in rows[:place]]
