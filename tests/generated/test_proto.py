"""The API of a gRPC service: its code is that of its .proto files, and a change that breaks clients is found."""

import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests import source
from tests.gotools import environment, go, provide_programs
from tests.rendering import Rendering, render_variant
from tests.support import Outcome, Shared, program, run
from tests.variants import landmarks

pytestmark = pytest.mark.go

DEFAULTS, FULL = (variant for variant in landmarks() if variant.template == "go-grpc-service")

BUF_VERSION = source.CATALOG["buf_version"].default

PROTO = "proto/user/v1/user.proto"

EMAIL = "  string email = 3;\n"

DELETED = 'Previously present field "3" with name "email" on message "User" was deleted.'

BREAKS = {
    "renumbered": (EMAIL, EMAIL.replace("3", "7"), DELETED),
    "removed": (EMAIL, "", DELETED),
    "another type": (EMAIL, EMAIL.replace("string", "bytes"), 'Field "3" with name "email" on message "User" changed type'),
    "method removed": ("  rpc GetUser(GetUserRequest) returns (GetUserResponse);\n", "", 'Previously present RPC "GetUser"'),
}
"""What of user.proto becomes what, and what buf says about it."""

ADDITION = (EMAIL, f"{EMAIL}  // How to call the user.\n  string phone = 7;\n")


@pytest.fixture
def service(request: pytest.FixtureRequest, shared: Shared, tmp_path: Path) -> Path:
    """A service of one's own, with buf, which PyPI has built, where its Makefile would put it."""
    directory = tmp_path / "user-service"
    shutil.copytree(render_variant(shared, getattr(request, "param", DEFAULTS)).path, directory)
    provide_programs(directory)
    return directory


either = pytest.mark.parametrize("service", [DEFAULTS, FULL], ids=str, indirect=True)


def test_buf_is_the_one_that_services_pin() -> None:
    assert run([program("buf"), "--version"], cwd=source.ROOT).output == f"{BUF_VERSION}\n"


@either
def test_the_generated_code_is_that_of_the_api(service: Path) -> None:
    assert_passes(make_offline(service, "generate-check"))


@either
def test_the_generated_code_does_not_depend_on_the_module_path(service: Path) -> None:
    plugins = service / "buf.gen.yaml"
    plugins.write_text(plugins.read_text().replace("example.com/user-service/", "github.com/acme/users/v2/"))

    assert_passes(make_offline(service, "generate-check"))


@pytest.mark.parametrize("path", ["proto/user/v1/user.pb.go", "proto/user/v1/user_grpc.pb.go", "proto/user/v1/stale.pb.go"])
def test_other_code_than_that_of_the_api_is_found(path: str, service: Path) -> None:
    with (service / path).open("a", encoding="utf-8") as file:
        file.write("// Edited.\n")

    checked = make_offline(service, "generate-check")

    assert checked.status != 0
    assert Path(path).name in checked.output
    assert "the generated code is not that of proto/: make generate" in checked.output


def test_generating_takes_up_a_change(service: Path) -> None:
    edit(service, *ADDITION)

    assert make_offline(service, "generate-check").status != 0
    assert_passes(make_offline(service, "generate"))
    assert_passes(make_offline(service, "generate-check"))
    assert "GetPhone()" in (service / "proto/user/v1/user.pb.go").read_text(encoding="utf-8")
    assert_passes(go(service, "vet", "./proto/..."))


def test_an_api_that_does_not_compile_is_not_called_outdated(service: Path) -> None:
    edit(service, EMAIL, "  strin email = 3;\n")

    checked = make_offline(service, "generate-check")

    assert checked.status != 0
    assert "cannot find `strin` in this scope" in checked.output
    assert "make generate" not in checked.output


@either
def test_the_api_is_in_good_style(service: Path) -> None:
    assert_passes(make(service, "proto-lint"))


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("message GetUserRequest", "message GetUserQuestion", "GetUserRe"),
        ("  string email", "    string email", "-    string email"),
    ],
    ids=["style", "format"],
)
def test_bad_style_is_found(old: str, new: str, said: str, service: Path) -> None:
    edit(service, old, new)

    checked = make(service, "proto-lint")

    assert checked.status != 0
    assert said in checked.output


class TestBreaking:
    """Against the branch main of a repository, as on a desk, and against what a pull request is for."""

    @pytest.fixture
    def repository(self, service: Path) -> Path:
        git(service, "init", "--quiet", "--initial-branch=main")
        git(service, "add", "--all")
        git(service, "-c", "user.name=Ada", "-c", "user.email=ada@example.com", "commit", "--quiet", "--message=feat: users")
        return service

    @pytest.mark.parametrize(("old", "new", "said"), BREAKS.values(), ids=BREAKS)
    def test_a_break_is_found(self, old: str, new: str, said: str, repository: Path) -> None:
        edit(repository, old, new)

        checked = make(repository, "proto-breaking")

        assert checked.status != 0
        assert said in checked.output

    def test_an_addition_passes(self, repository: Path) -> None:
        edit(repository, *ADDITION)

        assert_passes(make(repository, "proto-breaking"))

    def test_a_pull_request_is_compared_with_its_base(self, repository: Path, shared: Shared, tmp_path: Path) -> None:
        """In a checkout like that of actions/checkout: of a commit, with the branches only as those of origin."""
        (script,) = breaking_steps(render_variant(shared, DEFAULTS))
        checkout = tmp_path / "checkout"
        git(tmp_path, "clone", "--quiet", repository.as_uri(), str(checkout))
        git(checkout, "checkout", "--quiet", "--detach")
        git(checkout, "branch", "--quiet", "--delete", "main")
        provide_programs(checkout)

        def compared() -> Outcome:
            return run([program("bash"), "-e", "-c", script], cwd=checkout, env=environment() | {"BASE": "main"})

        assert_passes(compared())
        edit(checkout, *BREAKS["removed"][:2])
        assert compared().status != 0
        assert BREAKS["removed"][2] in compared().output


def make(service: Path, target: str, **extra: str) -> Outcome:
    return run([program("make"), target], cwd=service, env=environment() | extra)


def make_offline(service: Path, target: str) -> Outcome:
    """Makes a target without the network, once the plugins are built."""
    tools = yaml.safe_load((service / "buf.gen.yaml").read_text(encoding="utf-8"))["plugins"]
    for name in {tool["local"][-1] for tool in tools}:
        assert_passes(go(service, "tool", "-modfile=tools/go.mod", "-n", name))
    return make(service, target, GOPROXY="off")


def edit(service: Path, old: str, new: str) -> None:
    proto = service / PROTO
    text = proto.read_text(encoding="utf-8")
    assert old in text
    proto.write_text(text.replace(old, new, 1), encoding="utf-8")


def breaking_steps(rendering: Rendering) -> list[str]:
    jobs: dict[str, Any] = yaml.safe_load(rendering.texts[".github/workflows/ci.yml"])["jobs"]
    return [step["run"] for job in jobs.values() for step in job["steps"] if "proto-breaking" in step.get("run", "")]


def git(directory: Path, *arguments: str) -> None:
    assert_passes(run([program("git"), *arguments], cwd=directory))


def assert_passes(outcome: Outcome) -> None:
    assert outcome.status == 0, outcome
