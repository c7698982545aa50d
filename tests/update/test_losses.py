"""The judge of merges is itself judged, by merges that lose something on purpose."""

import pytest

from tests.update.losses import Files, losses

BASE: Files = {"a": b"1\n2\n3\n", "b": b"b\n"}
OURS: Files = {"a": b"1\nmine\n3\n", "own": b"own\n"}
THEIRS: Files = {"a": b"1\n2\n3\nnew\n", "b": b"b\nnew\n"}


@pytest.mark.parametrize(
    "merged",
    [
        {"a": b"1\nmine\n3\nnew\n", "own": b"own\n"},
        {"a": b"1\r\nmine\r\n3\r\nnew\r\n", "own": b"own\n"},
        {"a": b"1\n<<<<<<< yours\nmine\n3\n=======\n2\n3\nnew\n>>>>>>> v0.2.0\n", "own": b"own\n"},
    ],
    ids=["merged", "line ends", "conflict"],
)
def test_a_merge_that_keeps_everything_is_fine(merged: Files) -> None:
    assert losses(BASE, OURS, THEIRS, merged) == []


@pytest.mark.parametrize(
    ("merged", "expected"),
    [
        (THEIRS, ["b came back", "a lost b'mine'", "a has b'2' again", "own is gone"]),
        ({"a": b"1\n3\nnew\n", "own": b"own\n"}, ["a lost b'mine'"]),
        ({"a": b"1\n2\nmine\n3\n", "own": b"own\n"}, ["a has b'2' again"]),
        ({"a": b"1\n<<<<<<< y\n3\n=======\nmine\n>>>>>>> t\n", "own": b"own\n"}, ["a lost b'mine'"]),
        ({"a": b"1\nmine\n3\n"}, ["own is gone"]),
        ({"a": b"1\nmine\n3\n", "own": b"other\n"}, ["own lost b'own'"]),
    ],
)
def test_each_loss_is_found(merged: Files, expected: list[str]) -> None:
    assert losses(BASE, OURS, THEIRS, merged) == expected


def test_a_line_that_is_there_by_luck_does_not_count() -> None:
    base, ours, theirs = {"a": b"}\nx\n"}, {"a": b"}\nx\n}\n"}, {"a": b"}\ny\n"}

    assert losses(base, ours, theirs, {"a": b"}\ny\n"}) == ["a lost b'}'"]
    assert losses(base, ours, theirs, {"a": b"}\ny\n}\n"}) == []


def test_a_file_that_the_author_moved_is_still_followed() -> None:
    base, ours, theirs = {"a": b"1\n2\n3\n4\n"}, {"b": b"1\n2\n3\nmine\n"}, {"a": b"1\n2\n3\n4\nnew\n"}

    assert losses(base, ours, theirs, {"b": b"1\n2\n3\nmine\nnew\n"}) == []
    assert losses(base, ours, theirs, {"b": b"1\n2\n3\n4\nnew\n"}) == ["b lost b'mine'", "b has b'4' again"]


def test_a_file_that_the_template_moved_is_still_followed() -> None:
    base, ours, theirs = {"a": b"1\n2\n"}, {"a": b"1\nmine\n"}, {"b": b"0\n1\n2\n"}

    assert losses(base, ours, theirs, {"b": b"0\n1\nmine\n"}, {"a": "b"}) == []
    assert losses(base, ours, theirs, {"b": b"0\n1\n2\n"}, {"a": "b"}) == ["a lost b'mine'", "a has b'2' again"]
    assert losses(base, ours, theirs, {"b": b"0\n1\nmine\n"}) == ["a is gone"]


def test_a_pin_may_be_raised_but_not_lowered() -> None:
    def pin(version: str) -> Files:
        return {"Dockerfile": f"FROM golang:1.27.{version}\n".encode()}

    assert losses(pin("1"), pin("3"), pin("9"), pin("9")) == []
    assert losses(pin("1"), pin("9"), pin("3"), pin("3")) == ["Dockerfile lost b'FROM golang:1.27.9'"]
    assert losses(pin("5"), pin("3"), pin("9"), pin("9")) == ["Dockerfile lost b'FROM golang:1.27.3'"]
    for line in ("line {}", "const schemaVersion = {}", "FROM golang{}:1.27"):
        base, ours, theirs = ({"a": f"{line.format(number)}\n".encode()} for number in (1, 2, 3))
        assert losses(base, ours, theirs, theirs) == [f"a lost b'{line.format(2)}'"]


def test_one_pin_is_not_raised_by_another() -> None:
    def images(mine: int, other: int) -> Files:
        return {"a": f"image: a:{mine}\nimage: a:{other}\nimage: b:{other}\n".encode()}

    merged = {"a": b"image: a:9\nimage: b:9\n"}
    assert losses(images(1, 1), images(2, 1), images(1, 9), {"a": b"image: a:9\nimage: a:9\nimage: b:9\n"}) == []
    assert losses(images(1, 1), images(2, 1), images(1, 9), merged) == []
    base, ours, theirs = ({"a": f"image: a:{a}\nimage: a:{b}\n".encode()} for a, b in ((1, 2), (3, 4), (9, 9)))
    assert losses(base, ours, theirs, merged) == ["a lost b'image: a:4'"]


def test_the_digest_of_a_pin_may_not_get_lost_in_a_higher_version() -> None:
    digest = f"@sha256:{'a' * 64}"
    base, ours, theirs = ({"a": f"FROM a:{version}\n".encode()} for version in ("1", f"2{digest}", "3"))

    assert losses(base, ours, theirs, theirs) == [f"a lost b'FROM a:2{digest}'"]


def test_a_pin_goes_with_what_the_template_deletes() -> None:
    base, ours = {"a": b"x\nimage: a:1\n"}, {"a": b"x\nimage: a:2\n"}

    assert losses(base, ours, {"a": b"x\n"}, {"a": b"x\n"}) == []
    assert losses(base, ours, {}, {}) == []
    assert losses(base, ours, base, {"a": b"x\n"}) == ["a lost b'image: a:2'"]
    assert losses(base, ours, base, {}) == ["a is gone"]
    assert losses(base, {"a": b"y\nimage: a:2\n"}, {}, {}) == ["a is gone"]
    assert losses(base, {"a": b"image: a:2\n"}, {}, {}) == ["a is gone"]


def test_bytes_have_to_stay_as_they_are() -> None:
    assert losses({"a": b"\x001"}, {"a": b"\x002"}, {"a": b"\x003"}, {"a": b"\x003"}) == ["a has other bytes"]


def test_a_go_sum_is_not_looked_at() -> None:
    sums = {"go.sum": b"example.org/a v1.0.0 h1:a=\n"}

    assert losses(sums, {}, sums, sums) == []
    assert losses({}, sums, {}, {}) == []
