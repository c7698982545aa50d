import os
from typing import ClassVar

import pytest

from gopherforge.trees import Store, store
from tests.update.files import Files, Link, Merge, Script, Submodule, merge_files, numbered, repository

SEEDED = {"/internal/user/": "example", "/internal/api/": "example", "/README.md": "readme", "/internal/job/": "job"}


@pytest.fixture(scope="module")
def scratch(tmp_path_factory: pytest.TempPathFactory) -> Store:
    place = tmp_path_factory.mktemp("merge")
    return store(place, repository(place / "service"), os.environ)


def test_an_untouched_service_becomes_the_fresh_rendering(scratch: Store) -> None:
    base: Files = {"a.go": numbered(1, 20), "gone.go": "x\n", "internal/user/u.go": "u\n", "run": "#!/bin/sh\n"}
    theirs: Files = {
        ".copier-answers.yml": "_commit: v0.2.0\n",
        "a.go": numbered(1, 20, line3="three\n"),
        "internal/user/new.go": "v\n",
        "run": Script("#!/bin/sh\n"),
        "b\udcff.bin": b"\x00\xff",
        "link": Link("a.go"),
    }

    merge = merge_files(scratch, base, base, theirs, SEEDED)

    assert merge == Merge(merge.merged, theirs, [], {})
    assert (merge.kept, merge.renamed) == ((), {})


def test_edits_of_managed_files_are_merged(scratch: Store) -> None:
    merge = merge_files(
        scratch,
        {"Makefile": numbered(1, 9)},
        {"Makefile": numbered(1, 9, line2="mine\n"), "own.go": "mine\n"},
        {"Makefile": numbered(1, 9, line8="theirs\n"), "new.go": "theirs\n"},
    )

    both = numbered(1, 9, line2="mine\n", line8="theirs\n")
    assert (merge.files, merge.explained) == ({"Makefile": both, "own.go": "mine\n", "new.go": "theirs\n"}, [])


def test_the_answers_are_the_templates(scratch: Store) -> None:
    answers = ".copier-answers.yml"
    merge = merge_files(scratch, {answers: "a: 1\n"}, {answers: "a: mine\n"}, {answers: "a: 2\n"})

    assert (merge.files, merge.explained) == ({answers: "a: 2\n"}, [])


def test_a_conflict_shows_both_sides_under_the_names_of_the_versions(scratch: Store) -> None:
    merge = merge_files(scratch, {"f": "old\n"}, {"f": "mine\n"}, {"f": "new\n"})

    assert merge.files == {"f": "<<<<<<< yours-since-v0.1.0\nmine\n=======\nnew\n>>>>>>> v0.2.0\n"}
    assert merge.stages == {"f": {"1": "old\n", "2": "mine\n", "3": "new\n"}}
    assert merge.explained == ["f: you and the template changed the same lines."]


class TestGroups:
    BASE: ClassVar[Files] = {"internal/user/user.go": numbered(1, 20), "internal/api/api.go": "api\n", "README.md": "read\n"}
    THEIRS: ClassVar[Files] = {
        "internal/user/user.go": numbered(1, 20, line9="9\n"),
        "internal/user/new.go": "n\n",
        "README.md": "new\n",
    }

    def test_an_untouched_group_follows_the_template(self, scratch: Store) -> None:
        merge = merge_files(scratch, self.BASE, {**self.BASE, "cmd/main.go": "mine\n"}, self.THEIRS, SEEDED)

        assert (merge.files, merge.kept) == ({**self.THEIRS, "cmd/main.go": "mine\n"}, ())

    @pytest.mark.parametrize(
        "touch", [{"internal/user/mine.go": "m\n"}, {"internal/api/api.go": "a\n"}, {"internal/api/api.go": Script("api\n")}]
    )
    def test_a_touched_group_is_the_authors(self, scratch: Store, touch: Files) -> None:
        ours = {**self.BASE, **touch}
        merge = merge_files(scratch, self.BASE, ours, self.THEIRS, SEEDED)

        assert merge.files == {**ours, "README.md": "new\n"}
        assert merge.kept == ("internal/api/api.go", "internal/user/new.go", "internal/user/user.go")
        assert merge.explained == []

    def test_what_the_author_has_already_is_not_kept_from_him(self, scratch: Store) -> None:
        merge = merge_files(scratch, self.BASE, self.THEIRS, self.THEIRS, SEEDED)

        assert (merge.files, merge.kept) == (self.THEIRS, ())

    def test_a_place_of_a_group_that_the_template_does_not_use_may_be_the_authors(self, scratch: Store) -> None:
        """Such as client/ in a service without a client."""
        own: Files = {"client/page.html": "mine\n"}
        merge = merge_files(scratch, self.BASE, {**self.BASE, **own}, self.THEIRS, {**SEEDED, "/client/": "example"})

        assert (merge.files, merge.kept) == ({**self.THEIRS, **own}, ())

        used: Files = {**self.THEIRS, "client/client.go": "c\n"}
        merge = merge_files(scratch, self.BASE, {**self.BASE, **own}, used, {**SEEDED, "/client/": "example"})

        assert merge.files == {**self.BASE, **own, "README.md": "new\n"}
        assert "client/client.go" in merge.kept

    def test_a_deleted_group_stays_deleted(self, scratch: Store) -> None:
        merge = merge_files(scratch, self.BASE, {"README.md": "read\n"}, self.THEIRS, SEEDED)

        assert merge.files == {"README.md": "new\n"}
        assert merge.kept == ("internal/user/new.go", "internal/user/user.go")

    def test_a_new_group_is_added(self, scratch: Store) -> None:
        merge = merge_files(scratch, self.BASE, self.BASE, {**self.BASE, "internal/job/job.go": "j\n"}, SEEDED)

        assert (merge.files, merge.kept) == ({**self.BASE, "internal/job/job.go": "j\n"}, ())

    def test_a_new_group_whose_place_the_author_uses_is_not_added(self, scratch: Store) -> None:
        ours: Files = {**self.BASE, "internal/job/mine.go": "m\n"}
        merge = merge_files(scratch, self.BASE, ours, {**self.BASE, "internal/job/job.go": "j\n"}, SEEDED)

        assert (merge.files, merge.kept) == (ours, ("internal/job/job.go",))

    def test_a_domain_that_moved_to_another_package_is_the_authors(self, scratch: Store) -> None:
        ours: Files = {
            "internal/account/account.go": numbered(1, 20, line2="package account\n"),
            "internal/api/api.go": "accounts\n",
            "README.md": "read\n",
        }
        merge = merge_files(scratch, self.BASE, ours, self.THEIRS, SEEDED)

        assert (merge.files, merge.renamed) == ({**ours, "README.md": "new\n"}, {})

    def test_other_line_ends_touch_no_group(self, scratch: Store) -> None:
        crlf: Files = {path: str(text).replace("\n", "\r\n") for path, text in self.BASE.items()}
        merge = merge_files(scratch, self.BASE, crlf, self.THEIRS, SEEDED)

        expected = {path: str(text).replace("\n", "\r\n") for path, text in self.THEIRS.items()} | {"internal/user/new.go": "n\n"}
        assert (merge.files, merge.kept) == (expected, ())


class TestFilesThatChangeHands:
    """A file that the template moves to another owner follows, as any that it moves: it is neither lost nor there twice."""

    OWN: ClassVar[Files] = {"internal/user/mine.go": "mine\n"}

    @pytest.mark.parametrize(
        ("old", "new"),
        [
            ("cmd/page.go", "internal/user/page.go"),
            ("internal/user/page.go", "cmd/page.go"),
            ("internal/job/page.go", "internal/user/page.go"),
        ],
    )
    def test_it_takes_edits_along(self, scratch: Store, old: str, new: str) -> None:
        mine = numbered(1, 30, line20="mine\n")
        merge = merge_files(scratch, {old: numbered(1, 30)}, {old: mine, **self.OWN}, {new: numbered(1, 30, line5="5\n")}, SEEDED)

        assert merge.files == {new: numbered(1, 30, line5="5\n", line20="mine\n"), **self.OWN}
        assert (merge.renamed, merge.explained) == ({old: new}, [])

    def test_what_managed_code_now_needs_is_made_though_the_author_had_deleted_it(self, scratch: Store) -> None:
        merge = merge_files(
            scratch, {"internal/user/page.go": numbered(1, 30)}, self.OWN, {"cmd/page.go": numbered(1, 30)}, SEEDED
        )

        assert merge.files == {"cmd/page.go": numbered(1, 30), **self.OWN}


class TestDeletions:
    BASE: ClassVar[Files] = {"Makefile": numbered(1, 9), "compose.yaml": "c\n"}

    @pytest.mark.parametrize(
        ("theirs", "kept"),
        [
            ({"compose.yaml": numbered(1, 9, line4="4\n")}, ("compose.yaml",)),
            ({}, ()),
            ({"compose.yaml": "c\n"}, ()),
        ],
        ids=["changed", "deleted", "untouched"],
    )
    def test_what_the_author_deleted_stays_deleted(self, scratch: Store, theirs: Files, kept: tuple[str, ...]) -> None:
        merge = merge_files(scratch, self.BASE, {"Makefile": numbered(1, 9)}, {"Makefile": "new\n", **theirs})

        assert (merge.files, merge.kept, merge.explained) == ({"Makefile": "new\n"}, kept, [])
        assert merge.merged.missing == ("compose.yaml",)

    def test_what_the_author_deleted_does_not_come_back_under_another_name(self, scratch: Store) -> None:
        merge = merge_files(scratch, {"a.mk": numbered(1, 30)}, {}, {"b.mk": numbered(1, 30, line2="2\n")})

        assert (merge.files, merge.kept, merge.merged.missing) == ({}, ("b.mk",), ("b.mk",))

    def test_what_the_template_deleted_and_the_author_edited_is_a_conflict(self, scratch: Store) -> None:
        merge = merge_files(scratch, self.BASE, {**self.BASE, "compose.yaml": "mine\n"}, {"Makefile": numbered(1, 9)})

        assert merge.files == {**self.BASE, "compose.yaml": "mine\n"}
        assert merge.stages == {"compose.yaml": {"1": "c\n", "2": "mine\n"}}
        assert merge.explained == ["compose.yaml: you changed it, and the template no longer has it; yours is in its place."]

    def test_a_new_file_in_a_directory_that_the_author_deleted_is_left_out(self, scratch: Store) -> None:
        base: Files = {"deploy/k8s/a.yaml": "a\n", "deploy/k8s/b.yaml": "b\n", "Makefile": "m\n"}
        theirs: Files = {**base, "deploy/k8s/c.yaml": "c\n", "deploy/k8s/more/d.yaml": "d\n", "deploy/helm/e.yaml": "e\n"}
        merge = merge_files(
            scratch, {**base, "deploy/x": "x\n"}, {"Makefile": "m\n", "deploy/x": "x\n"}, {**theirs, "deploy/x": "x\n"}
        )

        assert merge.files == {"Makefile": "m\n", "deploy/x": "x\n", "deploy/helm/e.yaml": "e\n"}
        assert merge.kept == ("deploy/k8s/c.yaml", "deploy/k8s/more/d.yaml")
        assert merge.merged.missing == ("deploy/k8s/a.yaml", "deploy/k8s/b.yaml", *merge.kept)

    def test_what_the_author_asked_for_comes_in_directories_of_its_own(self, scratch: Store) -> None:
        """Also where the one above them was deleted."""
        base: Files = {"deploy/rules/a.yaml": "a\n", "Makefile": "m\n"}
        new: Files = {"deploy/rules/b.yaml": "b\n", "deploy/k8s/base/c.yaml": "c\n"}
        merge = merge_files(scratch, base, {"Makefile": "m\n"}, {**base, **new}, asked=True)

        assert merge.files == {"Makefile": "m\n", "deploy/k8s/base/c.yaml": "c\n"}
        assert merge.kept == ("deploy/rules/b.yaml",)


class TestRenames:
    def test_the_authors_edit_follows_the_templates_rename(self, scratch: Store) -> None:
        merge = merge_files(
            scratch,
            {"old.go": numbered(1, 30)},
            {"old.go": numbered(1, 30, line20="mine\n")},
            {"dir/new.go": numbered(1, 30, line5="theirs\n")},
        )

        assert merge.files == {"dir/new.go": numbered(1, 30, line5="theirs\n", line20="mine\n")}
        assert (merge.renamed, merge.explained) == ({"old.go": "dir/new.go"}, [])

    def test_the_templates_change_follows_the_authors_rename(self, scratch: Store) -> None:
        merge = merge_files(
            scratch,
            {"old.go": numbered(1, 30)},
            {"mine.go": numbered(1, 30, line20="mine\n")},
            {"old.go": numbered(1, 30, line5="theirs\n")},
        )

        assert merge.files == {"mine.go": numbered(1, 30, line5="theirs\n", line20="mine\n")}
        assert (merge.renamed, merge.kept, merge.explained) == ({}, (), [])

    def test_one_rename_on_both_sides_is_one(self, scratch: Store) -> None:
        merge = merge_files(
            scratch, {"a": numbered(1, 30)}, {"b": numbered(1, 30, line2="2\n")}, {"b": numbered(1, 30, line9="9\n")}
        )

        assert (merge.files, merge.explained) == ({"b": numbered(1, 30, line2="2\n", line9="9\n")}, [])

    def test_two_names_for_one_file_are_a_conflict_under_the_authors(self, scratch: Store) -> None:
        old, mine, new = numbered(1, 30), numbered(1, 30, line2="2\n"), numbered(1, 30, line9="9\n")
        merge = merge_files(scratch, {"a": old}, {"mine": mine}, {"new": new})

        assert merge.files == {"mine": numbered(1, 30, line2="2\n", line9="9\n")}
        assert merge.stages == {"mine": {"1": old, "2": mine, "3": new}}
        assert merge.explained == ["mine: you renamed it from a, and the template renamed that to new; it has your name."]

    @pytest.mark.parametrize("edit", ["", "mine\n"])
    def test_a_file_that_the_author_renamed_and_the_template_deleted_is_a_conflict(self, scratch: Store, edit: str) -> None:
        mine = numbered(1, 30) + edit
        merge = merge_files(scratch, {"a": numbered(1, 30), "b": "b\n"}, {"mine": mine, "b": "b\n"}, {"b": "b\n"})

        assert (merge.files, merge.stages) == ({"mine": mine, "b": "b\n"}, {"mine": {"1": numbered(1, 30), "2": mine}})
        assert merge.explained == ["mine: you renamed it from a, and the template no longer has it; yours is in its place."]

    def test_pins_of_a_renamed_file_that_the_template_deleted_are_the_authors(self, scratch: Store) -> None:
        old = "".join(
            f"- uses: actions/step{number}@v1\n  with: all of the words of the step number {number}\n" for number in range(9)
        )
        mine = old.replace("@v1", "@v2")
        merge = merge_files(scratch, {"ci.yml": old, "b": "b\n"}, {"build.yml": mine, "b": "b\n"}, {"b": "b\n"})

        assert (merge.files, merge.stages) == ({"build.yml": mine, "b": "b\n"}, {"build.yml": {"1": old, "2": mine}})

    def test_a_rename_onto_a_file_of_the_other_side_loses_neither(self, scratch: Store) -> None:
        mine = numbered(1, 30, line2="2\n")
        merge = merge_files(scratch, {"a": numbered(1, 30)}, {"a": mine, "b": "mine\n"}, {"b": numbered(1, 30)})

        assert merge.stages == {"a": {"1": numbered(1, 30), "2": mine}, "b": {"2": "mine\n", "3": numbered(1, 30)}}
        assert merge.files["a"] == mine
        assert str(merge.files["b"]).startswith("<<<<<<< yours-since-v0.1.0\nmine\n")

    def test_small_files_that_are_alike_are_not_taken_for_one_another(self, scratch: Store) -> None:
        shared = 'package a\n\nimport _ "embed"\n\n// Package a is one of many.\n'
        old, own, new = shared + "const A = 1\n", shared + "const B = 1\n", shared + "const A = 2\n"
        merge = merge_files(scratch, {"a/a.go": old, "a/x": "x\n"}, {"b/b.go": own, "a/x": "x\n"}, {"a/a.go": new, "a/x": "x\n"})

        assert (merge.files, merge.kept) == ({"b/b.go": own, "a/x": "x\n"}, ("a/a.go",))

    def test_files_that_share_little_more_than_their_imports_are_not_taken_for_one_another(self, scratch: Store) -> None:
        own = numbered(1, 17) + "".join(f"own {number}\n" for number in range(13))
        merge = merge_files(scratch, {"a.go": numbered(1, 30)}, {"b.go": own}, {"a.go": numbered(1, 30, line1="1\n")})

        assert (merge.files, merge.kept) == ({"b.go": own}, ("a.go",))

    def test_a_small_file_that_only_moved_is_followed(self, scratch: Store) -> None:
        merge = merge_files(scratch, {"a": "one\ntwo\n"}, {"b": "one\ntwo\n"}, {"a": "one\n2\n"})

        assert merge.files == {"b": "one\n2\n"}

    def test_empty_files_are_not_taken_for_one_another(self, scratch: Store) -> None:
        merge = merge_files(scratch, {"a/.keep": ""}, {"mine/.keep": ""}, {"a/.keep": "now\n"})

        assert (merge.files, merge.kept) == ({"mine/.keep": ""}, ("a/.keep",))


class TestDirectories:
    BASE: ClassVar[Files] = {"platform/http/a.go": numbered(1, 30), "platform/http/b.go": numbered(50, 80), "main.go": "main\n"}
    MOVED: ClassVar[Files] = {"infra/web/a.go": numbered(1, 30), "infra/web/b.go": numbered(50, 80), "main.go": "main\n"}

    def test_a_new_file_of_the_template_goes_where_the_author_moved_its_directory(self, scratch: Store) -> None:
        theirs: Files = {**self.BASE, "platform/http/c.go": "c\n", "platform/http/sub/d.go": "d\n"}
        merge = merge_files(scratch, self.BASE, self.MOVED, theirs)

        assert merge.files == {**self.MOVED, "infra/web/c.go": "c\n", "infra/web/sub/d.go": "d\n"}
        assert (merge.kept, merge.explained) == ((), [])

    def test_a_new_file_of_the_author_goes_where_the_template_moved_its_directory(self, scratch: Store) -> None:
        merge = merge_files(scratch, self.BASE, {**self.BASE, "platform/http/mine.go": "mine\n"}, self.MOVED)

        assert merge.files == {**self.MOVED, "infra/web/mine.go": "mine\n"}
        assert merge.renamed["platform/http/mine.go"] == "infra/web/mine.go"

    def test_a_submodule_of_the_author_stays_where_it_is(self, scratch: Store) -> None:
        """.gitmodules says where that is."""
        module = Submodule("1" * 40)
        merge = merge_files(scratch, self.BASE, {**self.BASE, "platform/http/mine": module}, self.MOVED)

        assert merge.files == {**self.MOVED, "platform/http/mine": module}

    def test_a_new_file_of_the_author_stays_where_the_template_deleted_the_directory(self, scratch: Store) -> None:
        merge = merge_files(scratch, self.BASE, {**self.BASE, "platform/http/mine.go": "mine\n"}, {"main.go": "main\n"})

        assert merge.files == {"main.go": "main\n", "platform/http/mine.go": "mine\n"}

    @pytest.mark.parametrize(
        "ours",
        [
            {**MOVED, "platform/http/left.go": "left\n"},
            {"infra/a.go": numbered(1, 30), "web/b.go": numbered(50, 80), "main.go": "main\n"},
        ],
        ids=["a file is left", "to two directories"],
    )
    def test_a_directory_that_did_not_move_as_a_whole_draws_nothing_along(self, scratch: Store, ours: Files) -> None:
        merge = merge_files(scratch, self.BASE, ours, {**self.BASE, "platform/http/c.go": "c\n"})

        assert merge.files == {**ours, "platform/http/c.go": "c\n"}

    def test_a_place_that_is_taken_is_left_alone(self, scratch: Store) -> None:
        ours: Files = {**self.BASE, "platform/http/mine.go": "mine\n"}
        merge = merge_files(scratch, self.BASE, ours, {**self.MOVED, "infra/web/mine.go": "theirs\n"})

        assert merge.files == {**self.MOVED, "infra/web/mine.go": "theirs\n", "platform/http/mine.go": "mine\n"}

    def test_a_file_that_cannot_follow_is_not_called_deleted(self, scratch: Store) -> None:
        base: Files = {"a.mk": numbered(1, 30)}
        merge = merge_files(scratch, base, {"b.mk": numbered(1, 30)}, {**base, "b.mk": "another\n"})

        assert (merge.merged.missing, list(merge.stages)) == ((), ["b.mk"])

    def test_a_place_that_the_template_uses_itself_is_left_alone(self, scratch: Store) -> None:
        theirs: Files = {**self.BASE, "platform/http/c.go": "c\n", "infra/web/c.go": "another\n"}
        merge = merge_files(scratch, self.BASE, self.MOVED, theirs)

        assert merge.files == {**self.MOVED, "platform/http/c.go": "c\n", "infra/web/c.go": "another\n"}


class TestKinds:
    def test_the_same_file_added_by_both_is_no_conflict(self, scratch: Store) -> None:
        merge = merge_files(scratch, {}, {"a": "a\n"}, {"a": "a\n"})

        assert (merge.files, merge.explained) == ({"a": "a\n"}, [])

    def test_different_files_added_by_both_are_a_conflict(self, scratch: Store) -> None:
        merge = merge_files(scratch, {}, {"a": "mine\n"}, {"a": "new\n"})

        assert merge.files == {"a": "<<<<<<< yours-since-v0.1.0\nmine\n=======\nnew\n>>>>>>> v0.2.0\n"}
        assert (merge.stages, merge.explained) == (
            {"a": {"2": "mine\n", "3": "new\n"}},
            ["a: you and the template both added it, with different contents."],
        )

    def test_modes_are_merged_with_contents(self, scratch: Store) -> None:
        merge = merge_files(scratch, {"a": numbered(1, 9)}, {"a": Script(numbered(1, 9))}, {"a": numbered(1, 9, line2="2\n")})

        assert merge.files == {"a": Script(numbered(1, 9, line2="2\n"))}

    def test_one_file_added_with_two_modes_is_a_conflict(self, scratch: Store) -> None:
        merge = merge_files(scratch, {}, {"a": Script("a\n")}, {"a": "a\n"})

        assert (merge.files, merge.stages) == ({"a": Script("a\n")}, {"a": {"2": Script("a\n"), "3": "a\n"}})
        assert merge.explained == [
            "a: it is of one kind here and of another in the template (file, executable, link, submodule); yours is in its place."
        ]

    @pytest.mark.parametrize(
        ("mine", "new"),
        [
            (Link("mine"), Link("new")),
            (Link("mine"), "new\n"),
            ("mine\n", Link("new")),
            (Submodule(), "new\n"),
            ("mine\n", Submodule()),
        ],
    )
    def test_what_has_no_lines_is_the_authors_and_a_conflict(
        self, scratch: Store, mine: str | Link | Submodule, new: str | Link | Submodule
    ) -> None:
        merge = merge_files(scratch, {"a": "old\n"}, {"a": mine}, {"a": new})

        assert (merge.files, merge.stages) == ({"a": mine}, {"a": {"1": "old\n", "2": mine, "3": new}})

    def test_a_link_follows_the_side_that_changed_it(self, scratch: Store) -> None:
        merge = merge_files(
            scratch, {"a": Link("x"), "b": Link("x")}, {"a": Link("mine"), "b": Link("x")}, {"a": Link("x"), "b": Link("new")}
        )

        assert (merge.files, merge.explained) == ({"a": Link("mine"), "b": Link("new")}, [])

    def test_bytes_are_the_authors_and_a_conflict(self, scratch: Store) -> None:
        merge = merge_files(scratch, {"a": b"\x00\xff1"}, {"a": b"\x00\xff2"}, {"a": b"\x00\xff3"})

        assert (merge.files, merge.stages) == (
            {"a": b"\x00\xff2"},
            {"a": {"1": b"\x00\xff1", "2": b"\x00\xff2", "3": b"\x00\xff3"}},
        )
        assert merge.explained == ["a: you and the template both changed it, and it is not text; yours is in its place."]

    def test_a_file_of_the_template_gives_way_to_a_directory_of_the_author(self, scratch: Store) -> None:
        merge = merge_files(scratch, {}, {"a/b": "mine\n"}, {"a": "new\n"})

        assert (merge.files, merge.stages) == ({"a/b": "mine\n", "a~v0.2.0": "new\n"}, {"a~v0.2.0": {"3": "new\n"}})
        assert merge.explained == ["a~v0.2.0: it is the template's a, whose place is taken by a file or directory of yours."]

    def test_a_directory_of_the_template_gives_way_to_a_file_of_the_author(self, scratch: Store) -> None:
        merge = merge_files(scratch, {}, {"a": "mine\n", "a~v0.2.0": "x\n"}, {"a/b/c": "new\n", "a/d": "new\n"})

        assert merge.files == {"a": "mine\n", "a~v0.2.0": "x\n", "a~v0.2.0_/b/c": "new\n", "a~v0.2.0_/d": "new\n"}
        assert merge.stages.keys() == {"a~v0.2.0_/b/c", "a~v0.2.0_/d"}

    @pytest.mark.parametrize(
        ("base", "ours", "theirs", "expected"),
        [
            ("d/x", {"d/x": "mine\n", "e": "own\n"}, "e/x", {"d/x": "mine\n", "e": "own\n", "e~v0.2.0/x": "new\n"}),
            ("x", {"x": "", "y/z": "own\n"}, "y", {"y/z": "own\n", "y~v0.2.0": "new\n"}),
        ],
        ids=["a file above", "a directory"],
    )
    def test_what_cannot_follow_the_templates_rename_stays(
        self, scratch: Store, base: str, ours: Files, theirs: str, expected: Files
    ) -> None:
        """What is set aside is always the template's."""

        def whole(text: object) -> str:
            return numbered(1, 30, **({"line20": text} if text in ("mine\n", "new\n") else {}))

        files: Files = {path: text if text == "own\n" else whole(text) for path, text in ours.items()}
        merge = merge_files(scratch, {base: whole("")}, files, {theirs: whole("new\n")})

        assert merge.files == {path: text if text == "own\n" else whole(text) for path, text in expected.items()}
        assert {path for path in merge.stages if "~" in path} == {path for path in expected if "~" in path}
        assert merge.merged.conflicts.keys() <= merge.files.keys()

    def test_a_file_that_the_author_added_does_not_go_where_there_is_no_place(self, scratch: Store) -> None:
        base: Files = {"d/x": numbered(1, 30), "d/y": numbered(40, 70)}
        theirs: Files = {"e/x": base["d/x"], "e/y": base["d/y"], "e/mine/new": "n\n"}
        merge = merge_files(scratch, base, {**base, "d/mine": "mine\n"}, theirs)

        assert (merge.files, merge.explained) == ({**theirs, "d/mine": "mine\n"}, [])

    def test_attributes_of_the_author_do_not_merge(self, scratch: Store) -> None:
        """merge=union would take both sides without a word, also into files where that makes no sense."""
        attributes: Files = {".gitattributes": "* merge=union\n*.bin filter=lfs diff=lfs merge=lfs -text\n"}
        pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:{}\nsize 1\n"
        base: Files = {"f": "old\n", "l.bin": pointer.format("1")}
        merge = merge_files(
            scratch,
            base,
            {**attributes, "f": "mine\n", "l.bin": pointer.format("2")},
            {"f": "new\n", "l.bin": pointer.format("3")},
        )

        assert merge.stages.keys() == {"f", "l.bin"}
        assert "<<<<<<<" in str(merge.files["f"])
        assert "<<<<<<<" in str(merge.files["l.bin"])


class TestLineEnds:
    def test_a_file_with_crlf_is_merged_with_crlf(self, scratch: Store) -> None:
        merge = merge_files(
            scratch,
            {"a": numbered(1, 20)},
            {"a": numbered(1, 20, line3="mine\n").replace("\n", "\r\n")},
            {"a": numbered(1, 20, line15="new\n")},
        )

        assert (merge.files, merge.explained) == (
            {"a": numbered(1, 20, line3="mine\n", line15="new\n").replace("\n", "\r\n")},
            [],
        )

    def test_a_renamed_file_with_crlf_is_merged_with_crlf(self, scratch: Store) -> None:
        merge = merge_files(
            scratch,
            {"a": numbered(1, 20)},
            {"b": numbered(1, 20, line3="mine\n").replace("\n", "\r\n")},
            {"a": numbered(1, 20, line15="new\n")},
        )

        assert merge.files == {"b": numbered(1, 20, line3="mine\n", line15="new\n").replace("\n", "\r\n")}

    @pytest.mark.parametrize("lines", [30, 3])
    def test_a_file_with_crlf_keeps_it_where_the_template_renamed_it(self, scratch: Store, lines: int) -> None:
        """Although the author did nothing else in it; and also a short one, which is known again only if nothing has changed."""
        old = numbered(1, lines)
        new = numbered(1, lines, line5="new\n")
        merge = merge_files(scratch, {"a": old, "x": "x\n"}, {"a": old.replace("\n", "\r\n"), "x": "x\n"}, {"b": new, "x": "x\n"})

        assert (merge.files, merge.explained) == ({"b": new.replace("\n", "\r\n"), "x": "x\n"}, [])

    def test_a_conflict_has_the_line_ends_of_the_author(self, scratch: Store) -> None:
        merge = merge_files(scratch, {"a": "1\n2\n"}, {"a": "1\r\nmine\r\n"}, {"a": "1\nnew\n"})

        assert merge.files == {
            "a": "1\r\n<<<<<<< yours-since-v0.1.0\r\nmine\r\n=======\r\nnew\r\n>>>>>>> v0.2.0\r\n",
        }
        assert merge.stages == {"a": {"1": "1\r\n2\r\n", "2": "1\r\nmine\r\n", "3": "1\r\nnew\r\n"}}

    def test_a_few_lines_with_crlf_do_not_count(self, scratch: Store) -> None:
        merge = merge_files(
            scratch, {"a": numbered(1, 9)}, {"a": numbered(1, 9, line2="mine\r\n")}, {"a": numbered(1, 9, line8="new\n")}
        )

        assert merge.files == {"a": numbered(1, 9, line2="mine\r\n", line8="new\n")}

    def test_a_block_with_crlf_that_was_pasted_does_not_count(self, scratch: Store) -> None:
        pasted = "".join(f"pasted {number}\r\n}}\r\n\r\n" for number in range(50))
        merge = merge_files(
            scratch,
            {"a": numbered(1, 9) + "}\n"},
            {"a": pasted + numbered(1, 9) + "}\n"},
            {"a": numbered(1, 9, line8="8\n") + "}\n"},
        )

        assert (merge.files, merge.explained) == ({"a": pasted + numbered(1, 9, line8="8\n") + "}\n"}, [])

    def test_a_file_that_both_added_is_merged_with_the_authors_line_ends(self, scratch: Store) -> None:
        merge = merge_files(scratch, {}, {"a": "1\r\n2\r\n"}, {"a": "1\n2\n"})

        assert (merge.files, merge.explained) == ({"a": "1\r\n2\r\n"}, [])


def test_the_higher_of_two_pins_counts(scratch: Store) -> None:
    def dockerfile(version: str, last: str) -> str:
        return f"FROM golang:{version} AS build\nRUN a\nRUN b\nRUN c\nRUN {last}\n"

    merge = merge_files(
        scratch,
        {"Dockerfile": dockerfile("1.27.1", "d")},
        {"Dockerfile": dockerfile("1.27.3", "mine")},
        {"Dockerfile": dockerfile("1.27.2", "d")},
    )

    assert (merge.files, merge.explained) == ({"Dockerfile": dockerfile("1.27.3", "mine")}, [])


class TestPinsThatGo:
    @staticmethod
    def steps(*names: str, **versions: int) -> str:
        return "steps:\n" + "".join(f"  - uses: a/{name}@v{versions.get(name, 1)}\n    with: {name}\n" for name in names)

    def test_a_step_that_the_author_deleted_stays_deleted_though_its_action_is_newer(self, scratch: Store) -> None:
        merge = merge_files(
            scratch,
            {"ci.yml": self.steps("x", "y", "z")},
            {"ci.yml": self.steps("x", "z")},
            {"ci.yml": self.steps("x", "y", "z", y=2)},
        )

        assert (merge.files, merge.explained) == ({"ci.yml": self.steps("x", "z")}, [])

    def test_a_step_that_the_template_dropped_goes_though_its_action_was_raised(self, scratch: Store) -> None:
        merge = merge_files(
            scratch,
            {"ci.yml": self.steps("x", "y", "z")},
            {"ci.yml": self.steps("x", "y", "z", y=2)},
            {"ci.yml": self.steps("x", "z")},
        )

        assert (merge.files, merge.explained) == ({"ci.yml": self.steps("x", "z")}, [])

    def test_a_file_that_the_template_dropped_goes_where_only_pins_were_moved_in_it(self, scratch: Store) -> None:
        base: Files = {"ci.yml": self.steps("x", "y"), "a": "a\n"}
        merge = merge_files(scratch, base, {**base, "ci.yml": self.steps("x", "y", y=2)}, {"a": "a\n"})

        assert (merge.files, merge.explained, merge.kept) == ({"a": "a\n"}, [], ())

    @pytest.mark.parametrize(
        "edit", ["steps:\n  - uses: a/x@v2\n    with: mine\n", Script("steps:\n  - uses: a/x@v1\n    with: x\n")]
    )
    def test_a_file_with_another_edit_is_a_conflict(self, scratch: Store, edit: str | Script) -> None:
        merge = merge_files(scratch, {"ci.yml": self.steps("x")}, {"ci.yml": edit}, {})

        assert (merge.files, merge.stages) == ({"ci.yml": edit}, {"ci.yml": {"1": self.steps("x"), "2": edit}})


def test_a_version_that_the_author_lowered_is_a_conflict(scratch: Store) -> None:
    sides = [f"FROM golang:1.27.{patch}\n" for patch in (5, 3, 6)]
    merge = merge_files(scratch, *({"Dockerfile": side} for side in sides))

    assert merge.explained == ["Dockerfile: you and the template changed the same lines."]


def test_the_stages_of_a_conflict_hold_what_each_side_has(scratch: Store) -> None:
    sides = [f"FROM golang:1.27.{patch}\nRUN {command}\n" for patch, command in ((1, "old"), (2, "mine"), (3, "new"))]
    merge = merge_files(scratch, *({"Dockerfile": side} for side in sides))

    assert merge.stages == {"Dockerfile": dict(zip("123", sides, strict=True))}
    assert str(merge.files["Dockerfile"]).startswith("FROM golang:1.27.3\n<<<<<<< ")


def test_a_file_that_the_template_split_in_two_takes_edits_along_or_shows_them(scratch: Store) -> None:
    base: Files = {"a.go": numbered(1, 60)}
    theirs: Files = {"a.go": numbered(1, 40), "b.go": "package b\n" + numbered(41, 60)}

    stays = merge_files(scratch, base, {"a.go": numbered(1, 60, line5="mine\n")}, theirs)
    assert (stays.files, stays.explained) == ({**theirs, "a.go": numbered(1, 40, line5="mine\n")}, [])

    moved = merge_files(scratch, base, {"a.go": numbered(1, 60, line50="mine\n")}, theirs)
    assert moved.explained == ["a.go: you and the template changed the same lines."]
    assert "mine\n" in str(moved.files["a.go"])


def test_modules_are_merged_by_meaning(scratch: Store) -> None:
    def gomod(*required: str) -> str:
        return "module example.com/users\n\ngo 1.27.0\n\nrequire (\n" + "".join(f"\t{line}\n" for line in required) + ")\n"

    base: Files = {"go.mod": gomod("example.com/a v1.0.0"), "go.sum": "example.com/a v1.0.0 h1:A=\n"}
    ours: Files = {**base, "go.mod": gomod("example.com/a v1.0.0", "example.com/mine v1.0.0")}
    theirs: Files = {"go.mod": gomod("example.com/a v1.1.0"), "go.sum": "example.com/a v1.1.0 h1:B=\n"}
    for rules in ({"/go.mod": "modules", "/go.sum": "modules"}, {}):
        merge = merge_files(scratch, base, ours, theirs, rules)

        assert (merge.files["go.mod"], merge.explained) == (gomod("example.com/a v1.1.0", "example.com/mine v1.0.0"), [])
        assert not merge.merged.modules[""].complete


def test_a_go_mod_that_only_the_author_has_is_text(scratch: Store) -> None:
    files: Files = {"own/go.mod": "module a.b/c\n"}

    assert merge_files(scratch, {}, files, {}).merged.modules == {}
    assert merge_files(scratch, {}, files, {}).files == files


class TestModules:
    RULES: ClassVar = {f"/{directory}{name}": "modules" for directory in ("", "tools/") for name in ("go.mod", "go.sum")}

    @staticmethod
    def module(directory: str, *required: str) -> Files:
        lines = "".join(f"\t{line}\n" for line in required)
        sums = "".join(f"{line} h1:{number}=\n" for number, line in enumerate(required))
        head = f"module example.com/users{directory.rstrip('/')}\n\ngo 1.27.0\n\n"
        return {f"{directory}go.mod": f"{head}require (\n{lines})\n", f"{directory}go.sum": sums}

    def both(self, *versions: str) -> Files:
        required = [f"example.com/{name} v1.{version}.0" for name, version in zip("abc", versions, strict=True)]
        return {**self.module("", *required), **self.module("tools/", *required)}

    def test_every_module_of_the_service_is_merged_by_meaning(self, scratch: Store) -> None:
        """Whoever gets Dependabot's grouped pull request each week has changed lines beside those of every release."""
        merge = merge_files(scratch, self.both("0", "0", "0"), self.both("1", "0", "2"), self.both("0", "3", "1"), self.RULES)

        expected = self.both("1", "3", "2")
        assert merge.explained == []
        assert {path: merge.files[path] for path in ("go.mod", "tools/go.mod")} == {
            path: expected[path] for path in ("go.mod", "tools/go.mod")
        }
        assert {directory: modules.complete for directory, modules in merge.merged.modules.items()} == {"": False, "tools": False}

    def test_untouched_modules_follow_the_template(self, scratch: Store) -> None:
        theirs = self.both("1", "1", "1")
        merge = merge_files(scratch, self.both("0", "0", "0"), self.both("0", "0", "0"), theirs, self.RULES)

        assert (merge.files, merge.merged.warnings) == (theirs, ())
        assert all(modules.complete for modules in merge.merged.modules.values())

    def test_each_module_is_judged_by_its_own_sources(self, scratch: Store) -> None:
        """A submodule is no source, whatever it is called."""
        sources: Files = {
            "a.go": 'package a\n\nimport _ "example.com/a/x"\n',
            "tools/b.go": 'package b\n\nimport _ "example.com/b/x"\n',
            "repository.go": Submodule(),
            "link.go": Link("example.com/c"),
        }
        base = self.both("0", "0", "0")
        theirs = {**self.module("", "example.com/d v1.0.0"), **self.module("tools/", "example.com/d v1.0.0")}
        merge = merge_files(scratch, base, {**base, **sources}, theirs, self.RULES)

        for directory, used in (("", "a"), ("tools/", "b")):
            required = [name for name in "abcd" if f"\texample.com/{name} v1.0.0\n" in str(merge.files[f"{directory}go.mod"])]
            assert required == [used, "d"], directory

    def test_a_warning_names_the_directory(self, scratch: Store) -> None:
        base = self.both("0", "0", "0")
        merge = merge_files(scratch, base, {**base, "tools/go.mod": "<<<\n"}, self.both("1", "1", "1"), self.RULES)

        assert [warning.startswith("In tools: go.mod cannot be read") for warning in merge.merged.warnings] == [True]

    def test_a_module_gives_way_to_a_file_of_the_author(self, scratch: Store) -> None:
        merge = merge_files(scratch, {}, {"tools": "mine\n"}, self.module("tools/", "example.com/a v1.0.0"), self.RULES)

        assert merge.files["tools"] == "mine\n"
        assert merge.stages.keys() == {"tools~v0.2.0/go.mod", "tools~v0.2.0/go.sum"}


def test_names_that_are_not_utf_8_or_hold_anything_are_merged(scratch: Store) -> None:
    for name in ("a\udcff", 'a"b', "a\nb", "a\\b", "a b\t", "ä/ö"):
        merge = merge_files(
            scratch, {name: numbered(1, 9)}, {name: numbered(1, 9, line1="1\n")}, {name: numbered(1, 9, line9="9\n")}
        )
        assert (merge.files, merge.explained) == ({name: numbered(1, 9, line1="1\n", line9="9\n")}, [])
        conflict = merge_files(scratch, {name: "old\n"}, {name: "mine\n"}, {name: "new\n"})
        assert conflict.merged.conflicts.keys() == {name}
        assert all(sentence.isprintable() for sentence in conflict.explained)
