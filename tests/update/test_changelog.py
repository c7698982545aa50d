"""What the owner of a service reads of the changelog between two versions."""

import re
from pathlib import Path

from gopherforge.changelog import BY_HAND, FILE, MODULE, Release, between
from gopherforge.source import Source
from tests.source import ROOT
from tests.support import Shared
from tests.update.releases import starts, updated
from tests.variants import landmarks

OLD = """# Changelog

## Unreleased

### Generated services

- Taken already.

## v0.1.0 (2026-11-21)

### Generated services

- First.
"""
NEW = """# Changelog

## Unreleased

### Tool

- Not for services.

### Generated services

- Newest of `$MODULE`.

## v0.3.0 (2026-11-23)

### Tool

- Nothing else.

## v0.2.0 (2026-11-22)

### Generated services

- Taken already.
- By hand: a long entry
  goes on.

  A paragraph of another kind.

## v0.1.0 (2026-11-21)

### Generated services

- First, in other words.
"""

SCOPE = re.compile(r"^(`go-[\w-]+`(, )?)+: ")
"""The templates that an entry is about, where not about all."""


def test_only_what_is_newer_counts_and_only_what_is_for_services() -> None:
    assert between("v0.1.0", OLD, NEW, module="example.com/orders") == (
        Release("", ("Newest of `example.com/orders`.",)),
        Release("v0.2.0", ("By hand: a long entry goes on.",)),
    )


def test_what_a_version_between_releases_had_is_not_told_again() -> None:
    assert between("v0.1.0-4-gabc1234", OLD, NEW) == (
        Release("", ("Newest of `$MODULE`.",)),
        Release("v0.2.0", ("By hand: a long entry goes on.",)),
    )


def test_without_an_older_changelog_all_newer_entries_count() -> None:
    assert [release.version for release in between("v0.1.0", "", NEW)] == ["", "v0.2.0"]
    assert between("v0.1.0", "", NEW)[1].entries[0] == "Taken already."


def test_two_versions_of_one_changelog_differ_in_nothing() -> None:
    assert between("v0.2.0", NEW, NEW) == ()


def test_what_an_earlier_release_asked_is_asked_again() -> None:
    task = "By hand: run `go mod tidy`."
    older = f"## v0.2.0\n\n### Generated services\n\n- {task}\n"
    newer = f"## v0.3.0\n\n### Generated services\n\n- {task}\n\n{older}"
    assert between("v0.2.0", older, newer) == (Release("v0.3.0", (task,)),)


def test_what_was_there_before_its_release_is_not_told_again() -> None:
    text = "## v0.3.0\n\n### Generated services\n\n- Taken.\n"
    assert between("v0.2.0-7-gabc1234", text, text) == ()


def test_what_other_templates_changed_is_left_out() -> None:
    entries = [
        "For all.",
        "`go-http-service`: Of one.",
        "`go-http-service`, `go-worker-pool`: By hand: of two.",
        "`go-grpc-service`: Of another.",
        "`go test`: Of no template.",
    ]
    text = "\n- ".join(["## Unreleased\n\n### Generated services\n", *entries])

    def told(template: str) -> list[str]:
        return [entry for release in between("v0.1.0", "", text, template) for entry in release.entries]

    assert told("go-http-service") == ["For all.", "Of one.", "By hand: of two.", "`go test`: Of no template."]
    assert told("go-worker-pool") == ["For all.", "By hand: of two.", "`go test`: Of no template."]
    assert told("go-grpc") == ["For all.", "`go test`: Of no template."]
    assert between("v0.1.0", "", text.replace("For all.", "`go-grpc-service`: For one."), "go-none")[0].entries == (entries[-1],)


def test_entries_name_templates_that_there_are() -> None:
    text = (ROOT / FILE).read_text(encoding="utf-8")
    named = {name for scope in re.findall(r"(?m)^- ((?:`go-[\w-]+`(?:, )?)+): ", text) for name in re.findall(r"[\w-]+", scope)}
    assert named <= {variant.template for variant in landmarks()}
    assert {"go-http-service", "go-grpc-service"} <= named


def test_a_report_has_all_that_real_releases_changed_in_services(releases: Source, shared: Shared, tmp_path: Path) -> None:
    """From the first release to the newest version, of its own template, and nothing else of the changelog."""
    variant = next(variant for variant in landmarks() if variant.template == "go-http-service")
    module = "example.com/user-service"
    answers = {**starts(releases, variant)["v0.1.0"], "module": module}
    updated(shared, "v0.1.0", answers, tmp_path / "user-service", tmp_path / "report.md")
    report = (tmp_path / "report.md").read_text(encoding="utf-8")

    expected, others, tasks = [], [], []
    for heading, text in parts(releases.read(releases.newest, FILE), "##"):
        version = heading.split()[0].replace("Unreleased", "Not yet released")
        for part, listed in parts(text, "###"):
            if part == "Generated services" and version != "v0.1.0":
                entries = [entry.replace(MODULE, module) for entry in items(listed)]
                others += [entry for entry in entries if (scope := SCOPE.match(entry)) and variant.template not in scope[0]]
                own = [SCOPE.sub("", entry) for entry in entries if entry not in others]
                expected.append((version, [entry for entry in own if not entry.startswith(BY_HAND)]))
                tasks += [entry.removeprefix(BY_HAND) for entry in own if entry.startswith(BY_HAND)]
            else:
                others += items(listed)

    told = [(version, items(listed)) for version, listed in parts(dict(parts(report, "##"))["What is new"], "###")]
    assert told == [(version, entries) for version, entries in expected if entries]
    assert [version for version, _ in told][-4:] == ["v0.5.0", "v0.4.0", "v0.3.0", "v0.2.0"]
    assert others
    assert [entry for entry in others if entry in report] == []
    assert tasks
    assert [f"[ ] {task}" for task in tasks] == items(dict(parts(report, "##"))["To do by hand"])


def parts(text: str, level: str) -> list[tuple[str, str]]:
    """What is below each heading of a level."""
    _, *found = re.split(rf"(?m)^{level} (.+)\n", text)
    return list(zip(found[::2], found[1::2], strict=True))


def items(text: str) -> list[str]:
    """The items of a list, each in one line."""
    return [" ".join(item.split()) for item in re.split(r"(?m)^- ", text)[1:]]
