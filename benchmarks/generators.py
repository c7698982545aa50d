"""Services made by gopherforge, go-blueprint and goctl, each with the same endpoint added.

go-blueprint and goctl are taken from PATH, and fetch what their services need.
"""

import re
import sys
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import pexpect

from benchmarks.servers import Server, build, free_address, make_service, running
from tests.gotools import environment, go
from tests.support import run

GENERATION_SECONDS = 300

PATH = "/from/me"
"""What is asked of every service. The answer is {"message":"Hello me"}: the endpoint that `goctl api new` makes."""

ADDED = {
    "gopherforge": "a handler, and its route in `internal/api/routes.go`.",
    "go-blueprint": "a handler like its `HelloWorldHandler`, and its route in `RegisterRoutes`.",
    "goctl": "the answer, in place of the TODO in the logic that it made for this endpoint.",
}


class NotMadeError(Exception):
    """A generator is missing, or did not get to a service."""


class Peer(NamedTuple):
    """How a service is made with the endpoint, what of it is the program, and how that is started at an address."""

    make: Callable[[Path], Path]
    package: str
    settings: Callable[[str], dict[str, str]]
    configure: Callable[[Path, str], None] = lambda _project, _address: None


class Made(NamedTuple):
    """A service that was made and built."""

    peer: Peer
    project: Path
    program: Path

    def start(self) -> AbstractContextManager[Server]:
        """The service on a free port, from the moment when its endpoint answers."""
        address = free_address()
        self.peer.configure(self.project, address)
        return running([self.program], address, f"{address}{PATH}", cwd=self.project, env=self.peer.settings(address))


def peers(database: str) -> dict[str, Peer]:
    """Every service in the table, by its name there."""
    return {
        "gopherforge, no tracing": gopherforge(tracing=False),
        "gopherforge, defaults": gopherforge(),
        "gopherforge, PostgreSQL": gopherforge(url=database, database="postgres"),
        "go-blueprint, standard-library": go_blueprint("standard-library"),
        "go-blueprint, chi": go_blueprint("chi"),
        "go-blueprint, standard-library, PostgreSQL": go_blueprint("standard-library", database),
        "goctl, api new": goctl(),
    }


def gopherforge(*, url: str = "", **answers: Any) -> Peer:
    """A service of this project."""

    def make(place: Path) -> Path:
        project = make_service(place / "greeter", **answers)
        edit(project / "internal/api/routes.go", '"GET /openapi.yaml":', '"GET /from/{name}": h.greet,\n\t\t"GET /openapi.yaml":')
        append(
            project / "internal/api/handlers.go",
            'type greetingBody struct {\n\tMessage string `json:"message"`\n}\n\n'
            "func (handlers) greet(w http.ResponseWriter, r *http.Request) error {\n"
            '\treturn writeJSON(w, http.StatusOK, greetingBody{Message: "Hello " + r.PathValue("name")})\n}\n',
        )
        if url:
            migrated = go(project, "run", "./cmd/server", "migrate", DATABASE_URL=url)
            if migrated.status:
                raise NotMadeError(str(migrated))
        return project

    return Peer(
        make,
        "./cmd/server",
        lambda address: {"HTTP_ADDR": address, "ADMIN_ADDR": "127.0.0.1:0", **({"DATABASE_URL": url} if url else {})},
    )


def go_blueprint(framework: str, url: str = "") -> Peer:
    """A service of go-blueprint, which wants a terminal even when every answer is given."""

    def make(place: Path) -> Path:
        driver = "postgres" if url else "none"
        command = f"go-blueprint create --name greeter --framework {framework} --driver {driver} --git skip"
        with pexpect.spawn(command, cwd=place, env=environment(), timeout=GENERATION_SECONDS, encoding="utf-8") as terminal:
            terminal.expect(pexpect.EOF)
        routes = place / "greeter/internal/server/routes.go"
        if not routes.exists():
            raise NotMadeError(f"`{command}` made no routes: {last_line(str(terminal.before))}")
        name = 'r.PathValue("name")'
        if framework == "chi":
            name = 'chi.URLParam(r, "name")'
            edit(routes, 'r.Get("/", s.HelloWorldHandler)', 'r.Get("/", s.HelloWorldHandler)\n\tr.Get("/from/{name}", s.greet)')
        else:
            edit(
                routes,
                'mux.HandleFunc("/", s.HelloWorldHandler)',
                'mux.HandleFunc("/", s.HelloWorldHandler)\n\tmux.HandleFunc("GET /from/{name}", s.greet)',
            )
        (handler,) = re.findall(
            r"^func \(s \*Server\) HelloWorldHandler.*?^}\n", routes.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE
        )
        append(routes, handler.replace("HelloWorldHandler", "greet").replace('"Hello World"', f'"Hello " + {name}'))
        return place / "greeter"

    def settings(address: str) -> dict[str, str]:
        database = urlsplit(url)
        return {
            "PORT": address.partition(":")[2],
            "BLUEPRINT_DB_HOST": str(database.hostname),
            "BLUEPRINT_DB_PORT": str(database.port),
            "BLUEPRINT_DB_DATABASE": database.path.removeprefix("/"),
            "BLUEPRINT_DB_USERNAME": str(database.username),
        }

    return Peer(make, "./cmd/api", settings)


def goctl() -> Peer:
    """A service of goctl, with the go-zero of its own version."""
    configuration = "etc/greeter-api.yaml"

    def make(place: Path) -> Path:
        project = place / "greeter"
        version = run(["goctl", "--version"], cwd=place).output.split()[2]
        for cwd, command in {
            place: ["goctl", "api", "new", "greeter"],
            project: ["go", "mod", "edit", f"-require=github.com/zeromicro/go-zero@v{version}"],
            project / "internal": ["go", "mod", "tidy"],
        }.items():
            outcome = run(command, cwd=cwd, env=environment() | {"GOWORK": ""})  # goctl takes "off" for the path of a workspace
            if outcome.status:
                raise NotMadeError(f"`{outcome.command}` ended with {outcome.status}: {last_line(outcome.output)}")
        edit(
            project / "internal/logic/greeterlogic.go",
            "// todo: add your logic here and delete this line\n\n\treturn",
            'return &types.Response{Message: "Hello " + req.Name}, nil',
        )
        return project

    def configure(project: Path, address: str) -> None:
        path = project / configuration
        path.write_text(
            re.sub(r"Port: \d+", f"Port: {address.partition(':')[2]}", path.read_text(encoding="utf-8")), encoding="utf-8"
        )

    return Peer(make, ".", lambda _: {}, configure)


def make_all(wanted: Mapping[str, Peer], directory: Path) -> tuple[dict[str, Made], dict[str, str]]:
    """What could be made and built, and why the rest could not."""
    made, missing = {}, {}
    for number, (name, peer) in enumerate(wanted.items()):
        place = directory / str(number)
        place.mkdir()
        try:
            project = peer.make(place)
            made[name] = Made(peer, project, build(project, peer.package))
        except (NotMadeError, FileNotFoundError, pexpect.ExceptionPexpect, RuntimeError) as reason:
            missing[name] = last_line(str(reason))
    return made, missing


def versions(made: Mapping[str, Made]) -> str:
    """The versions of what the services were made with."""
    said = {
        "gopherforge": run([sys.executable, "-m", "gopherforge", "--version"], cwd=Path.cwd()).output,
        "go-blueprint": run(["go-blueprint", "version"], cwd=Path.cwd()).output
        if any("blueprint" in name for name in made)
        else "",
        "goctl": run(["goctl", "--version"], cwd=Path.cwd()).output if any("goctl" in name for name in made) else "",
        "Go": go(Path.cwd(), "version").output,
    }
    found = {name: re.search(r"\d+\.\d+(\.\d+)?\S*", text) for name, text in said.items()}
    return ", ".join(f"{name} {version[0]}" for name, version in found.items() if version)


def edit(path: Path, old: str, new: str) -> None:
    """Replace a text that occurs once."""
    text = path.read_text(encoding="utf-8")
    if text.count(old) != 1:
        raise NotMadeError(f"{path.name} has `{old}` {text.count(old)} times.")
    path.write_text(text.replace(old, new), encoding="utf-8")


def append(path: Path, text: str) -> None:
    """Add a declaration to a file."""
    with path.open("a", encoding="utf-8") as file:
        file.write(f"\n{text}")


def last_line(text: str) -> str:
    """The last line that says something."""
    return ([line.strip() for line in text.splitlines() if line.strip()] or [text])[-1]
