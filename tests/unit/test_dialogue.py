"""The conversation of `new` over plain lines, as on a dumb terminal: what is asked in which order, and what it leads to."""

import io
import re
from collections.abc import Mapping
from pathlib import Path

import pytest

from gopherforge.catalog import Catalog, Value, load
from gopherforge.dialogue import Setting, converse
from gopherforge.errors import Cancelled
from gopherforge.prompts import LineAsker
from tests.unit.sources import DEPENDENT, build

ALL_ASKED = {"template": "web", "name": "my-service"}


@pytest.fixture
def catalog(tmp_path: Path) -> Catalog:
    return load(build(tmp_path, DEPENDENT))


def talk(
    catalog: Catalog, *lines: str, given: Mapping[str, Value] | None = None, suggested: Mapping[str, Value] | None = None
) -> tuple[dict[str, Value], str]:
    """The answers of a conversation in which these lines are typed, and the transcript without what was typed."""
    shown = io.StringIO()
    setting = Setting(
        given=given or {},
        suggested=suggested or {},
        objection=lambda key, value: "That one is taken." if (key, value) == ("name", "taken") else "",
        where=lambda answers: f"./{answers['name']}",
    )
    answers = converse(catalog, setting, LineAsker(io.StringIO("".join(f"{line}\n" for line in lines)), shown))
    return answers, shown.getvalue()


def prompts(transcript: str) -> list[str]:
    """The questions that were asked, in order."""
    return [line.partition(" [")[0] for line in transcript.replace("]: ", "]:\n").splitlines() if line.endswith("]:")]


def test_enter_takes_every_default(catalog: Catalog) -> None:
    answers, transcript = talk(catalog, "", "", "", "")
    assert answers == ALL_ASKED
    assert prompts(transcript) == ["template", "name", "Use the recommended defaults for the rest?", "Create it?"]


def test_the_summary_shows_what_will_be_made(catalog: Catalog) -> None:
    _, transcript = talk(catalog, "", "shop", "", "")
    assert transcript.partition("rest? [yes]: ")[2] == (
        "\n"
        "  template   web\n"
        "  name       shop\n"
        "  verbose    no\n"
        "  storage    none\n"
        "  note       shop keeps its data in none\n"
        "  directory  ./shop\n"
        "\n"
        "Create it? [yes]: \n"
    )


def test_without_the_shortcut_the_rest_is_asked_by_subject(catalog: Catalog) -> None:
    answers, transcript = talk(catalog, "", "", "n", "yes", "no", "2", "pgx", "About data.", "")
    assert answers == ALL_ASKED | {"verbose": True, "loud": False, "storage": "sql", "driver": "pgx", "note": "About data."}
    asked = [
        "template",
        "name",
        "Use the recommended defaults for the rest?",
        "verbose",
        "loud",
        "storage",
        "driver",
        "note",
        "Create it?",
    ]
    assert prompts(transcript) == asked
    assert [line for line in transcript.splitlines() if line in {"Basics", "Storage"}] == ["Basics", "Storage"]


def test_only_questions_that_the_answers_lead_to_are_asked(catalog: Catalog) -> None:
    answers, transcript = talk(catalog, "worker", "", "n", "", "", "")
    assert answers == {"template": "worker", "name": "my-service", "verbose": False, "note": "my-service keeps its data in none"}
    assert "storage [" not in transcript


def test_given_answers_are_not_asked(catalog: Catalog) -> None:
    given: dict[str, Value] = {
        "template": "web",
        "name": "shop",
        "verbose": False,
        "storage": "sql",
        "driver": "pgx",
        "note": "data",
    }
    answers, transcript = talk(catalog, "", given=given)
    assert answers == given
    assert prompts(transcript) == ["Create it?"]


def test_a_template_that_does_not_ask_for_a_given_answer_is_refused(catalog: Catalog) -> None:
    answers, transcript = talk(catalog, "worker", "web", "", "", "", given={"storage": "none"})
    assert (answers["template"], answers["storage"]) == ("web", "none")
    assert '  "storage" is not asked by worker, but by web.\n' in transcript


def test_a_suggestion_replaces_a_default(catalog: Catalog) -> None:
    answers, transcript = talk(catalog, "", "", "", "", suggested={"name": "shop"})
    assert answers["name"] == "shop"
    assert "name [shop]: " in transcript


def test_a_refused_answer_is_explained_and_asked_again(catalog: Catalog) -> None:
    answers, transcript = talk(catalog, "9", "1", "a!", "taken", "shop", "maybe", "", "")
    assert answers == ALL_ASKED | {"name": "shop"}
    for sentence in (
        'template cannot be "9": web or worker.',
        "No exclamation marks.",
        "That one is taken.",
        "yes or no, please.",
    ):
        assert f"  {sentence}\n" in transcript


def test_back_returns_to_the_question_before_and_remembers_what_was_typed(catalog: Catalog) -> None:
    shortcut = "Use the recommended defaults for the rest?"
    answers, transcript = talk(catalog, "", "first", "n", "yes", "<", "<", "<", "second", "y", "")
    assert answers == ALL_ASKED | {"name": "second"}
    assert prompts(transcript)[:9] == ["template", "name", shortcut, "verbose", "loud", "verbose", shortcut, "name", shortcut]
    for shown in ("name [first]: ", "verbose [yes]: ", f"{shortcut} [no]: "):
        assert shown in transcript


def test_back_forgets_a_default_that_was_only_accepted(catalog: Catalog) -> None:
    steps = ["", "first", "n", "", "sql", "", "", "<", "<", "<", "<", "<", "<", "second", "n", "", "sql", "", "", ""]
    answers, _ = talk(catalog, *steps)
    assert answers["note"] == "second keeps its data in sql"


def test_back_forgets_what_was_replaced_by_the_default(catalog: Catalog) -> None:
    _, transcript = talk(catalog, "", "first", "<", "my-service", "<", "", "", "")
    assert re.findall(r"name \[(.*?)\]", transcript) == ["my-service", "first", "my-service"]


def test_back_at_the_first_question_asks_it_again(catalog: Catalog) -> None:
    assert talk(catalog, "<", "<", "", "", "", "")[0] == ALL_ASKED


def test_no_to_the_summary_cancels(catalog: Catalog) -> None:
    with pytest.raises(Cancelled, match="cancelled: nothing was written"):
        talk(catalog, "", "", "", "no")


def test_a_terminal_that_goes_away_is_an_interrupt(catalog: Catalog) -> None:
    with pytest.raises(KeyboardInterrupt):
        talk(catalog, "", "shop")
