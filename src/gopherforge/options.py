"""What `gopherforge options` tells: every question, for people and for programs."""

from collections.abc import Mapping
from itertools import groupby
from textwrap import wrap

from gopherforge.catalog import Catalog, Question, load
from gopherforge.errors import InvalidAnswer
from gopherforge.report import Result
from gopherforge.source import locate
from gopherforge.wording import describe, join_or, suggest

COLUMNS = 80


def options(template: str | None, environ: Mapping[str, str]) -> Result:
    """The questions of one template, or of all that this installation carries."""
    with locate(None, environ) as templates:
        return tell(load(templates.root), template)


def complete_template(environ: Mapping[str, str]) -> list[tuple[str, str]]:
    """Every template, and what it is."""
    with locate(None, environ) as templates:
        return _labelled("", load(templates.root)["template"])


def complete_answer(incomplete: str, environ: Mapping[str, str]) -> list[tuple[str, str]]:
    """What `KEY=VALUE` can go on with, and what it means: keys, and after the = what can be answered."""
    key, separator, _ = incomplete.partition("=")
    with locate(None, environ) as templates:
        catalog = load(templates.root)
    if not separator:
        return [(f"{question.key}=", question.help) for question in catalog.askable]
    return _labelled(f"{key}=", catalog[key]) if key in catalog else []


def _labelled(before: str, question: Question) -> list[tuple[str, str]]:
    return [(f"{before}{value}", label) for label, value in _choices(question).items()]


def tell(catalog: Catalog, template: str | None = None) -> Result:
    """The questions of a catalog. Raises InvalidAnswer where it has no such template."""
    if template is not None and template not in catalog.templates:
        raise InvalidAnswer(
            f"{describe(template)} is not a template: {join_or(catalog.templates)}.{suggest(template, catalog.templates)}",
            "leave it out for the questions of all templates.",
        )
    chosen = [template] if template else sorted(catalog.templates)
    askers = _askers(catalog)
    shown = [question for question in catalog.askable if askers[question.key] & set(chosen)]
    data = {"questions": [_data(question, sorted(askers[question.key])) for question in sorted(shown, key=lambda each: each.key)]}
    return Result(data, _text(catalog, shown, askers))


def _askers(catalog: Catalog) -> dict[str, set[str]]:
    """The templates that ask each question."""
    asked = {template: catalog.asked_by(template) for template in catalog.templates}
    return {question.key: {name for name, keys in asked.items() if question.key in keys} for question in catalog.askable}


def _data(question: Question, templates: list[str]) -> dict[str, object]:
    return {
        "key": question.key,
        "type": question.type,
        "choices": sorted(question.values),
        "default": question.default,
        "help": question.help,
        "when": str(question.when).lower() if isinstance(question.when, bool) else question.when,
        "templates": templates,
        "subject": question.subject,
    }


def _text(catalog: Catalog, questions: list[Question], askers: Mapping[str, set[str]]) -> str:
    width = max(len(question.key) for question in questions)
    parts = []
    for subject, group in groupby(questions, key=lambda question: question.subject):
        lines = [subject.capitalize()]
        for question in group:
            told = [question.help, *_answers(question), *_conditions(catalog, question, askers[question.key])]
            first, *rest = [part for line in told for part in wrap(line, COLUMNS - width - 4)]
            lines += [f"  {question.key:<{width}}  {first}", *(f"  {'':<{width}}  {line}" for line in rest)]
        parts.append("\n".join(lines))
    return "\n\n".join(parts)


def _answers(question: Question) -> list[str]:
    """What can be answered, the default marked."""
    choices = _choices(question)
    default = str(question.default).lower() if isinstance(question.default, bool) else question.default
    longest = max(map(len, choices.values()), default=0)
    lines = [f"{value:<{longest}}  {label}{' (default)' if value == default else ''}" for label, value in choices.items()]
    return lines if default in choices.values() else [*lines, f"default: {default}"]


def _choices(question: Question) -> Mapping[str, str]:
    """Label to value, as it is given on the command line."""
    return {"yes": "true", "no": "false"} if question.type == "bool" else question.choices


def _conditions(catalog: Catalog, question: Question, templates: set[str]) -> list[str]:
    """What the question depends on: the template, other answers."""
    lines = [] if templates == set(catalog.templates) else [f"asked by {', '.join(sorted(templates))}"]
    if isinstance(question.when, str) and catalog.mentions(question.when) - {"template"}:
        lines.append(f"asked when {question.when}")
    return lines
