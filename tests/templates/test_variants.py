"""The variants stand for all answers: a mistake in choosing them would leave combinations unproven, and no test would fail."""

from itertools import combinations

import pytest

from tests.source import CATALOG
from tests.variants import landmarks, options, variants

pytestmark = pytest.mark.parametrize("template", CATALOG.templates)


def test_every_choice_is_in_some_variant(template: str) -> None:
    rendered = {option for variant in variants() if variant.template == template for option in variant.options}

    assert rendered == {(key, value) for key, values in options(template).items() for value in values}


def test_every_two_choices_that_can_meet_do(template: str) -> None:
    rows = [dict(variant.options) for variant in variants() if variant.template == template]
    always = {key: values for key, values in options(template).items() if all(key in row for row in rows)}

    missing = [
        (one, first, other, second)
        for one, other in combinations(always, 2)
        for first in always[one]
        for second in always[other]
        if not any(row[one] == first and row[other] == second for row in rows)
    ]

    assert not missing


def test_no_two_variants_are_the_same(template: str) -> None:
    rows = [variant for variant in variants() if variant.template == template]

    assert len(rows) == len({variant.options for variant in rows}) == len({variant.label for variant in rows})


def test_the_landmarks_are_the_defaults_and_everything_on(template: str) -> None:
    defaults, full = [variant for variant in landmarks() if variant.template == template]

    assert all(value == CATALOG[key].default for key, value in defaults.options)
    assert not {False, "none"} & {value for _, value in full.options}
