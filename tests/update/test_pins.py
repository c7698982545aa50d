import pytest

from gopherforge.pins import settle

SHA = {version: f"{version:040x}" for version in range(10)}


def action(version: int) -> str:
    return f"      - uses: actions/checkout@{SHA[version]} # v7.0.{version}\n"


@pytest.mark.parametrize(
    "line",
    [
        "      - uses: actions/checkout@v7.0.{} # why\n",
        "        uses: owner/repository/.github/workflows/x.yml@v{}\n",
        "      - uses: 'actions/checkout@v{}'\n",
        "FROM golang:1.27.{}-bookworm AS build\n",
        "from --platform=$BUILDPLATFORM golang:1.27.{} as build\r\n",
        "FROM localhost:5000/golang:1.27.{}\n",
        "    image: postgres:18.{}-alpine3.22\n",
        '  - image: "redis:8.{}"\n',
        "GOLANGCI_LINT_VERSION := v2.5.{}\n",
        "BUF_VERSION ?= 1.60.{} # why\n",
        "export BUF_VERSION=1.60.{}\n",
        "ARG GO_VERSION=1.27.{}\n",
        '  GO_VERSION: "1.27.{}"\n',
        "          go-version: 1.27.{}\n",
    ],
)
def test_the_higher_of_two_moved_pins_counts(line: str) -> None:
    old, lower, higher = (line.format(number) for number in (2, 9, 10))

    assert settle(old, lower, higher) == (higher, higher, higher)
    assert settle(old, higher, lower) == (higher, higher, higher)


def test_the_commit_of_an_action_moves_with_the_version_beside_it() -> None:
    assert settle(action(1), action(2), action(3)) == (action(3), action(3), action(3))


def test_the_digest_of_an_image_moves_with_its_tag() -> None:
    sides = [f"FROM golang:1.27.{number}@sha256:{number:064x} AS build\n" for number in (1, 3, 2)]

    assert settle(*sides) == (sides[1], sides[1], sides[1])


def test_a_pin_that_one_side_moved_is_where_that_side_moved_it() -> None:
    """Also downwards. What the other side changes beside it is then no conflict."""
    assert settle(action(5), action(3), action(5)) == (action(3), action(3), action(3))
    assert settle(action(5), action(5), action(3)) == (action(3), action(3), action(3))


def image(version: str, digest: int | None = None) -> str:
    return f"FROM golang:{version}{'' if digest is None else f'@sha256:{digest:064x}'} AS build\n"


@pytest.mark.parametrize(
    ("base", "ours", "theirs"),
    [
        (image("1.27.1"), image("1.27.1", 1), image("1.27.1")),
        (image("1.27.1"), image("1.27.3", 1), image("1.27.2")),
        (image("1.27.1"), image("1.27.2", 1), image("1.27.2")),
        (image("1.27.1", 1), image("1.27.1"), image("1.27.1", 1)),
        (image("1.27.1", 1), image("1.27.3"), image("1.27.2", 2)),
    ],
)
def test_a_digest_that_the_author_adds_or_takes_away_is_the_authors(base: str, ours: str, theirs: str) -> None:
    assert settle(base, ours, theirs) == (ours, ours, ours)


def test_a_digest_that_the_template_adds_is_added_to_a_higher_version() -> None:
    assert settle(image("1.27.1"), image("1.27.2"), image("1.27.3", 1)) == (image("1.27.3", 1),) * 3


def test_a_digest_that_the_template_adds_is_added_to_the_version_that_both_moved_to() -> None:
    assert settle(image("1.27.1"), image("1.27.2"), image("1.27.2", 1)) == (image("1.27.2", 1),) * 3


def test_numbers_may_have_any_length() -> None:
    old, lower, higher = (f"X_VERSION=1.{number}\n" for number in ("2", "8" * 5000, "9" * 5000))

    assert settle(old, lower, higher) == (higher, higher, higher)


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [(action(3), action(6)), (action(5).replace(SHA[5], SHA[9]), action(6)), (image("1.27.4"), image("1.27.6"))],
    ids=["an action", "another commit of the same version", "an image"],
)
def test_a_version_that_the_author_lowered_is_not_raised_without_a_word(ours: str, theirs: str) -> None:
    base = action(5) if "uses" in ours else image("1.27.5")
    assert settle(base, ours, theirs) == (base, ours, theirs)


@pytest.mark.parametrize(
    ("base", "ours", "theirs"),
    [
        ("FROM golang:1.27.1\n", "FROM golang:1.28\n", "FROM golang:1.27.2\n"),
        ("FROM golang:1.27.1\n", "FROM golang:1.27.2-alpine\n", "FROM golang:1.27.2\n"),
        ("FROM golang:1.27.1\n", "FROM golang:latest\n", "FROM golang:1.27.2\n"),
        ("FROM golang:1.27.1\n", "FROM mine/golang:1.27.9\n", "FROM golang:1.27.2\n"),
        ("FROM golang:1.27.1\n", f"FROM golang:1.27.2@sha256:{1:064x}\n", "FROM golang:1.27.3\n"),
        ("- uses: a/b@v1\n", "- uses: a/b@v2\n", f"- uses: a/b@{SHA[2]} # v2\n"),
        (action(1), action(2), action(2).replace(SHA[2], SHA[3])),
        (image("1.27.1", 1), image("1.27.2"), image("1.27.3", 3)),
        (image("1.27.1"), image("1.27.1", 1), image("1.27.3")),
        ("X_VERSION := 1.2.3\n", "X_VERSION := v1.2.4\n", "X_VERSION := 1.2.5\n"),
        ("X_VERSION := $(A)\n", "X_VERSION := $(B)\n", "X_VERSION := $(C)\n"),
        ("image: users\n", "image: mine\n", "image: theirs\n"),
        ("const schemaVersion = 1\n", "const schemaVersion = 2\n", "const schemaVersion = 3\n"),
        ("var x = 1.1\n", "var x = 1.2\n", "var x = 1.3\n"),
    ],
)
def test_what_cannot_be_compared_is_left(base: str, ours: str, theirs: str) -> None:
    assert settle(base, ours, theirs) == (base, ours, theirs)


@pytest.mark.parametrize(
    ("pattern", "beside"),
    [
        ("      - uses: a/b@v{}\n", "      - uses: a/b@v{} # v5 breaks our runners\n"),
        ("  x-version: v2.{}\n", "  x-version: v2.{} # 2.5 flags our code\n"),
        ("FROM golang:1.{} AS build\n", "FROM --platform=$BUILDPLATFORM golang:1.{} AS base\n"),
    ],
)
def test_a_pin_beside_which_the_author_wrote_is_not_raised_without_a_word(pattern: str, beside: str) -> None:
    base, theirs = pattern.format(4), pattern.format(6)

    for version in (4, 5):
        assert settle(base, beside.format(version), theirs) == (base, beside.format(version), theirs)
    for version in (6, 7):
        new = pattern.format(version)
        assert settle(base, beside.format(version), theirs) == (new, beside.format(version), new)
    assert settle(base, beside.format(5), base) == (pattern.format(5), beside.format(5), pattern.format(5))


def step(action: str, version: str) -> str:
    return f"      - name: Check\n        uses: {action}@v1\n        with:\n          version: v{version}\n"


def test_a_plain_version_is_that_of_the_action_in_its_step() -> None:
    old, lower, higher = (step("a/lint", f"2.{minor}.0") for minor in (1, 3, 5))

    assert settle(old, lower, higher) == (higher, higher, higher)
    assert settle(old, higher, lower) == (higher, higher, higher)


@pytest.mark.parametrize(
    "mine",
    [step("b/release", "2.3.0"), "      - name: Own\n        run: own\n        with:\n          version: v2.3.0\n"],
    ids=["another action", "no action"],
)
def test_the_version_of_something_else_is_left(mine: str) -> None:
    base, theirs = (step("a/lint", f"2.{minor}.0") for minor in (1, 5))

    assert settle(base, mine, theirs) == (base, mine, theirs)


def test_a_plain_version_without_an_action_is_no_pin() -> None:
    sides = tuple(f"{step('a/lint', '2.1.0')}info:\n  version: 1.{minor}.0\n" for minor in (1, 2, 3))

    assert settle(*sides) == sides


@pytest.mark.parametrize(
    "pattern",
    ["jobs:\n{own}        with: mine\n{old}        env: a\n", "jobs:\n{old}        with: mine\n{own}        env: a\n"],
    ids=["before", "after"],
)
def test_which_of_a_step_and_its_copy_is_the_templates_is_not_guessed(pattern: str) -> None:
    """Where both moved it, the copy has been moved as well."""
    base, theirs = (f"jobs:\n{action(number)}        env: a\n" for number in (1, 3))
    ours = pattern.format(own=action(1), old=action(1))
    assert settle(base, ours, theirs) == (base, ours, theirs)
    assert settle(base, theirs, ours) == (base, theirs, ours)

    moved = pattern.format(own=action(2), old=action(2))
    after = settle(base, moved, theirs)
    assert (after[0], after[2]) == (theirs, theirs)
    assert sorted(after[1].splitlines()) == sorted(moved.replace(action(2), action(3), 1).splitlines())


def test_a_pin_that_the_template_replaces_by_another_is_gone() -> None:
    old, mine = (f"    image: nats:2.{minor}\n" for minor in (11, 12))
    new = "    image: apache/kafka:4.1\n"

    assert settle(old, mine, new) == (mine, mine, new)
    assert settle(old, new, mine) == (old, new, mine)


def test_every_pin_of_a_file_is_settled_by_itself_and_nothing_else() -> None:
    base = "jobs:\n" + action(1) + "        with: old\n" + action(1) + "image: a:1\n"
    ours = "jobs:\n" + action(5) + "        with: mine\n" + action(2) + "image: a:2\n"
    theirs = "jobs:\n" + action(3) + "        with: theirs\n" + action(3) + "image: a:1\n"

    assert settle(base, ours, theirs) == tuple(
        "jobs:\n" + action(5) + f"        with: {word}\n" + action(3) + "image: a:2\n" for word in ("old", "mine", "theirs")
    )


def test_a_pin_in_a_step_of_the_authors_own_is_left() -> None:
    own = "  mine:\n" + action(0)
    base, ours, theirs = ("jobs:\n" + middle + "  test:\n" + action(number) for middle, number in (("", 1), (own, 1), ("", 3)))

    assert settle(base, ours, theirs) == (theirs, "jobs:\n" + own + "  test:\n" + action(3), theirs)


@pytest.mark.parametrize(
    "line", ["      - uses: actions/checkout@v{}\n", "FROM golang:1.{}\n", "image: postgres:{}\n", "X_VERSION=1.{}\n"]
)
@pytest.mark.parametrize("rest", ["", "      - run: a\n", "uses: another/action@v1\nFROM b:1\nY_VERSION=1.2\nimage: c:3\n"])
def test_a_pin_that_one_side_deleted_goes_though_the_other_moved_it(line: str, rest: str) -> None:
    old, new = (f"first\n{line.format(number)}{rest}" for number in (1, 2))
    gone = f"first\n{rest}"

    assert settle(old, gone, new) == (new, gone, new)
    assert settle(old, new, gone) == (new, new, gone)


def test_of_many_alike_the_one_that_is_deleted_goes() -> None:
    def jobs(*versions: int) -> str:
        return "".join(f"  job{number}:\n{action(version)}" for number, version in enumerate(versions) if version)

    assert settle(jobs(1, 1, 1), jobs(1, 0, 1), jobs(2, 2, 2)) == (jobs(2, 2, 2), jobs(2, 0, 2), jobs(2, 2, 2))


@pytest.mark.parametrize(
    "ours",
    [
        "a\nb\nc\nFROM golang:1.26-alpine\n",
        "FROM mine/golang:1.27.3\na\nb\nc\n",
        "FROM golang:latest\na\nb\nc\n",
        "a\nb\nc\nimage: golang:1.27.1\n",
    ],
    ids=["elsewhere", "another image", "no version", "otherwise"],
)
def test_a_pin_that_is_elsewhere_or_another_is_not_deleted(ours: str) -> None:
    base, theirs = (f"FROM golang:1.27.{patch}\na\nb\nc\n" for patch in (1, 2))

    assert settle(base, ours, theirs) == (base, ours, theirs)


def test_a_pin_that_one_side_added_is_left() -> None:
    assert settle("", action(1), action(2)) == ("", action(1), action(2))
