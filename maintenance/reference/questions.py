"""The page of questions, from the files that ask them."""

import re
from itertools import groupby

from gopherforge.catalog import Catalog, Question
from gopherforge.expressions import environment
from maintenance.reference.markdown import code, page, table


def write(catalog: Catalog) -> str:
    """Every question by subject, with what can be answered."""
    return page(
        "Questions",
        "This page lists every question that `gopherforge new` asks, or takes from `--data KEY=VALUE`, in the order asked.",
        *(
            "\n\n".join([f"## {subject.capitalize()}", *(_section(catalog, question) for question in group)])
            for subject, group in groupby(catalog.askable, key=lambda question: question.subject)
        ),
    )


def _section(catalog: Catalog, question: Question) -> str:
    return "\n\n".join(
        filter(
            None,
            [
                f"### {question.key}",
                question.help,
                _answers(question),
                _conditions(catalog, question),
                _refusals(catalog, question),
            ],
        )
    )


def _answers(question: Question) -> str:
    if not question.values:
        return f"Text; default {code(question.default)}."
    labels = (
        {"true": "yes", "false": "no"} if question.type == "bool" else {value: text for text, value in question.choices.items()}
    )
    default = str(question.default).lower() if question.type == "bool" else question.default
    rows = [(code(value), label, "yes" if value == default else "") for value, label in labels.items()]
    return table(["answer", "meaning", "default"], rows)


def _conditions(catalog: Catalog, question: Question) -> str:
    askers = [template for template in catalog.templates if question.key in catalog.asked_by(template)]
    told = "" if len(askers) == len(catalog.templates) else f"Asked by {', '.join(map(code, askers))}."
    if isinstance(question.when, str) and catalog.mentions(question.when) - {"template"}:
        told += f" Asked when {code(question.when)}."
    return told.strip()


def _refusals(catalog: Catalog, question: Question) -> str:
    """The sentences with which the validator refuses an answer."""
    jinja = environment(catalog.envops)
    begin, end = re.escape(jinja.block_start_string), re.escape(jinja.block_end_string)
    texts = [text.strip() for text in re.split(f"{begin}.*?{end}", question.validator, flags=re.DOTALL)]
    return "\n".join(f"- {VARIABLE.sub('…', text)}" for text in texts if text)


VARIABLE = re.compile(r"\[\[ .*? \]\]")
