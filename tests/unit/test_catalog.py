"""catalog.py: what is read from questions files, and which of them cannot be used."""

from pathlib import Path

import pytest

from gopherforge.catalog import Catalog, Question, Value, load
from gopherforge.errors import InvalidTemplates
from tests.source import CATALOG, ROOT, includes
from tests.unit.sources import DEPENDENT, build


@pytest.fixture
def catalog(tmp_path: Path) -> Catalog:
    return load(build(tmp_path, DEPENDENT))


def test_questions_come_in_the_order_of_the_files_with_their_subject(catalog: Catalog) -> None:
    assert [(question.key, question.subject) for question in catalog.questions] == [
        ("template", "basics"),
        ("name", "basics"),
        ("verbose", "basics"),
        ("loud", "basics"),
        ("storage", "storage"),
        ("driver", "storage"),
        ("note", "storage"),
        ("sql", "derived"),
        ("label", "derived"),
    ]
    assert [question.key for question in catalog.questions if question.computed] == ["sql", "label"]


def test_choices_are_labels_and_values(catalog: Catalog) -> None:
    assert catalog["storage"].choices == {"Nowhere": "none", "A database": "sql"}
    assert catalog["driver"].choices == {"pgx": "pgx", "sqlx": "sqlx"}
    assert [catalog[key].values for key in ("storage", "verbose", "note")] == [("none", "sql"), (True, False), ()]
    assert catalog.templates == ("web", "worker")


@pytest.mark.parametrize(
    ("template", "keys"),
    [
        ("web", {"template", "name", "verbose", "loud", "storage", "driver", "note"}),
        ("worker", {"template", "name", "verbose", "loud", "note"}),
    ],
)
def test_a_template_asks_what_some_answers_lead_to(catalog: Catalog, template: str, keys: set[str]) -> None:
    assert catalog.asked_by(template) == keys


def test_a_template_asks_what_a_computed_value_leads_to(tmp_path: Path) -> None:
    derived = """\
public: {type: bool, default: "[[ template == 'web' ]]", when: false}
remote: {type: bool, default: "[[ public ]]", when: false}
proxy: {type: bool, help: "Behind a proxy?", default: true, when: "[[ remote ]]"}
sql: {type: bool, default: "[[ storage == 'sql' ]]", when: false}
label: {type: str, default: "[[ name ]]", when: false}
"""
    catalog = load(build(tmp_path, DEPENDENT | {"questions/derived.yml": derived}))
    assert ["proxy" in catalog.asked_by(template) for template in catalog.templates] == [True, False]


def test_a_later_definition_replaces_an_earlier_one_in_its_place(tmp_path: Path) -> None:
    second = {"questions/storage.yml": "name: {type: str, help: Its new name., default: other}\n"}
    catalog = load(build(tmp_path, DEPENDENT | second))
    assert (catalog.questions[1].key, catalog.questions[1].help) == ("name", "Its new name.")


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({"copier.yml": "template: ["}, "cannot be read: while parsing a flow node"),
        ({"copier.yml": "just text"}, 'holds "just text", not a mapping'),
        ({"copier.yml": "!include a.yml", "a.yml": "- a"}, "a.yml holds a list, not a mapping"),
        ({"copier.yml": "_subdirectory: x\n"}, "has no question `template`"),
        ({"copier.yml": "!include absent.yml\n"}, "absent.yml cannot be read: .*No such file"),
        ({"copier.yml": "!include [a, b]\n"}, "!include takes a path"),
        ({"copier.yml": "template: text\n"}, "question `template` in copier.yml may have choices, default"),
        ({"copier.yml": "template: {type: str, default: a, secret: true}\n"}, "and nothing else"),
        ({"copier.yml": "template: {type: yaml, default: a}\n"}, "needs a type, str or bool, and a default"),
        ({"copier.yml": "template: {type: str}\n"}, "needs a type, str or bool, and a default"),
    ],
)
def test_what_we_could_not_evaluate_as_copier_does_is_refused(tmp_path: Path, files: dict[str, str], message: str) -> None:
    with pytest.raises(InvalidTemplates, match=message):
        load(build(tmp_path, files))


@pytest.mark.parametrize("when", ["[[ unknown ]]", "[[ unclosed", "[[ 'x' | nofilter ]]"])
def test_a_broken_condition_is_the_templates_fault(tmp_path: Path, when: str) -> None:
    files = {"questions/derived.yml": f'broken: {{type: bool, default: true, when: "{when}"}}\n'}
    catalog = load(build(tmp_path, DEPENDENT | files))
    with pytest.raises(InvalidTemplates, match="a question cannot be evaluated"):
        catalog.asks(catalog["broken"], {})


def test_questions_cannot_reach_into_python(tmp_path: Path) -> None:
    files = {"questions/derived.yml": "leak: {type: str, default: \"[[ ''.__class__.__mro__ ]]\", when: false}\n"}
    catalog = load(build(tmp_path, DEPENDENT | files))
    with pytest.raises(InvalidTemplates, match="unsafe"):
        catalog.default(catalog["leak"], {})


@pytest.mark.parametrize("question", CATALOG.questions, ids=lambda question: question.key)
def test_every_question_of_ours_is_explained_and_its_choices_are_fixed(question: object) -> None:
    ours = CATALOG[question.key]  # type: ignore[attr-defined]
    assert ours.computed or ours.help
    assert "[[" not in "".join([*ours.choices, *ours.choices.values()])
    assert not ours.choices or ours.default in ours.choices.values()


@pytest.mark.parametrize("question", CATALOG.askable, ids=lambda question: question.key)
def test_every_prompt_of_ours_fits_eighty_columns(question: Question) -> None:
    shown = [f"? {question.help}", *(f" » {label} ({value})" for label, value in question.choices.items())]
    assert [line for line in shown if len(line) > 80] == []


def test_every_file_of_questions_is_included() -> None:
    assert sorted(includes()) == sorted(f"questions/{path.name}" for path in (ROOT / "questions").iterdir())


UNDERSTOOD = ["storage == 'sql'", "storage != 'sql'", "storage in ['none', 'sql']", "storage not in ['sql']", "name == ''"]
NOT_UNDERSTOOD = ["storage in 'sql'", "storage == ['sql']", "verbose", "storage == 'sql' and verbose", "storage == 'a\\x62'"]


@pytest.mark.parametrize("condition", UNDERSTOOD + NOT_UNDERSTOOD)
def test_what_is_sure_without_jinja_is_what_jinja_says(catalog: Catalog, condition: str) -> None:
    question = catalog["note"]._replace(when=f"[[ {condition} ]]")
    for storage in ("none", "sql", "sq", ""):
        answers: dict[str, Value] = {"storage": storage, "verbose": True, "name": ""}
        expected = catalog.asks(question, answers) if condition in UNDERSTOOD else None
        assert catalog.surely_asks(question, answers) is expected
    assert catalog.surely_asks(question, {}) is None


def test_the_conditions_of_these_templates_need_no_jinja_once_the_template_is_known() -> None:
    for template in CATALOG.templates:
        asked = {question.key: CATALOG.surely_asks(question, {"template": template}) for question in CATALOG.askable}
        assert {key for key, surely in asked.items() if surely} == CATALOG.asked_by(template)
