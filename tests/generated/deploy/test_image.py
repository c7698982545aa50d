"""The image of a service: built from its Dockerfile as it is, looked into, and run as an orchestrator would."""

import shutil
import signal
import struct
import subprocess
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import pytest

from tests.generated.calls import connected
from tests.generated.conftest import Project, Settings
from tests.generated.deploy.images import Images, contained, images_of
from tests.generated.deploy.jobs import send
from tests.generated.service import ANY_PORT, PATIENCE, Service, eventually, followed
from tests.rendering import render_variant
from tests.support import Outcome, Shared, run
from tests.variants import landmarks

pytestmark = pytest.mark.go

VERSION = "v1.2.3"
"""As in the binary that the other tests build."""

NOBODY = "65532"

SECRETS = (".env", ".git/config", "deploy/token", "id_ed25519", "secret.yaml")
"""What lies around in a developer's directory."""

PROGRAMS = {"go-grpc-service": "server", "go-http-service": "server", "go-worker-pool": "worker"}
PUBLIC_PORTS = {"go-grpc-service": {"50051/tcp"}, "go-http-service": {"8080/tcp"}, "go-worker-pool": set()}
SOURCES = {"cmd", "go.mod", "go.sum", "internal"}
OWN_SOURCES = {"go-grpc-service": {"proto"}, "go-http-service": {"api"}, "go-worker-pool": set()}
OF_A_GATEWAY = {"ports": {"8080/tcp"}, "sources": {"api"}}

MACHINES = {"linux/amd64": 62, "linux/arm64": 183}
"""e_machine of an ELF file."""


@dataclass(frozen=True)
class Image:
    """An image in the session's store, and its project."""

    images: Images
    project: Project
    context: Path

    @property
    def tag(self) -> str:
        return f"localhost/{self.project.variant}"

    @property
    def program(self) -> str:
        return PROGRAMS[self.project.variant.template]

    def of_a_gateway(self, kind: str) -> set[str]:
        """What a gateway adds, where there is one."""
        return OF_A_GATEWAY[kind] if self.project.variant.answers.get("gateway") else set()

    @cached_property
    def description(self) -> dict[str, Any]:
        return self.images.inspect(self.tag)

    @property
    def configuration(self) -> dict[str, Any]:
        configuration: dict[str, Any] = self.description["config"]
        return configuration

    @cached_property
    def root(self) -> Path:
        return self.images.root(self.tag)

    @contextmanager
    def running(self, **variables: str) -> Iterator[Service]:
        """The service in its image, from its start to its end."""
        with followed(contained(self.root, self.configuration, **ANY_PORT | variables)) as service:
            yield service

    def run(self, *arguments: str, **variables: str) -> Outcome:
        """Runs a command of the program in its image to its end."""
        with contained(self.root, self.configuration, *arguments, **variables) as process:
            _, said = process.communicate(timeout=PATIENCE)
        return Outcome(" ".join(arguments), process.returncode, said)


@pytest.fixture(params=landmarks(), ids=str)
def image(request: pytest.FixtureRequest, shared: Shared) -> Image:
    """The images of the landmarks, each built once, without a network, from a directory in which secrets lie around."""
    return built(Project(render_variant(shared, request.param), shared), shared)


def built(project: Project, shared: Shared) -> Image:
    def litter(directory: Path) -> None:
        shutil.copytree(project.path, directory)
        for secret in SECRETS:
            (directory / secret).parent.mkdir(parents=True, exist_ok=True)
            (directory / secret).write_text("secret\n")

    assert project.go("mod", "download").status == 0
    images = images_of(shared, project.rendering.texts["Dockerfile"])
    image = Image(images, project, shared.directory(f"contexts/{project.variant}", litter))
    build = shared.outcome(
        f"image-{project.variant}", lambda: images.build(image.context, image.tag, f"--build-arg=VERSION={VERSION}")
    )
    assert build.status == 0, build
    return image


def test_image_says_how_it_runs(image: Image) -> None:
    said, template = image.configuration, image.project.variant.template

    assert said["User"] == f"{NOBODY}:{NOBODY}"
    assert said["Entrypoint"] == [f"/{image.program}"]
    assert set(said["ExposedPorts"]) == PUBLIC_PORTS[template] | image.of_a_gateway("ports") | {"8081/tcp"}
    assert "ADMIN_ADDR=:8081" in said["Env"]
    assert said["Labels"]["org.opencontainers.image.title"] == image.project.variant.answers["name"]
    assert said["Labels"]["org.opencontainers.image.version"] == VERSION


def test_image_is_its_base_and_the_program(image: Image) -> None:
    files = [path for path in image.root.rglob("*") if path.is_file()]

    assert files == [image.root / image.program]
    assert files[0].read_bytes() == image.project.binary().read_bytes()


def test_only_sources_enter_the_build(image: Image, tmp_path: Path) -> None:
    everything = tmp_path / "Dockerfile"
    everything.write_text("FROM scratch\nCOPY . /context\n")
    tag = f"{image.tag}-context"
    copied = image.images.build(image.context, tag, f"--file={everything}")
    assert copied.status == 0, copied

    entered = {path.name for path in (image.images.root(tag) / "context").iterdir()}

    assert entered == SOURCES | OWN_SOURCES[image.project.variant.template] | image.of_a_gateway("sources")


def test_service_runs_from_a_root_that_it_cannot_write(image: Image, settings_of: Callable[[Project], Settings]) -> None:
    """It gets its variables, a network and /proc, and no directory to write to."""
    settings = settings_of(image.project)
    if image.project.has_database:
        migrated = image.run("migrate", **settings)
        assert migrated.status == 0, migrated

    with image.running(**settings) as service:
        service.wait_until_ready()
        assert facts(service.process) == {"user": NOBODY, "capabilities": 0, "root": "ro"}
        checked = image.run("healthcheck", **settings, ADMIN_ADDR=service.admin)
        assert checked.status == 0, checked
        put_to_work(image, service, settings)
        assert service.stop(signal.SIGTERM) == 0

    assert image.run("healthcheck", **settings, ADMIN_ADDR=service.admin).status == 1


def test_image_is_built_for_other_machines(shared: Shared) -> None:
    """The smallest landmark for both: what is compiled for which machine does not depend on the answers."""
    project = Project(render_variant(shared, landmarks()[0]), shared)
    images = built(project, shared).images

    build = images.build_for_all(project.path, "localhost/everywhere", *MACHINES)

    assert build.status == 0, build
    assert images.platforms("localhost/everywhere") == MACHINES.keys()
    roots = {platform: images.root("localhost/everywhere", platform) for platform in MACHINES}
    assert {platform: elf_machine(root / "server") for platform, root in roots.items()} == MACHINES


def test_make_docker_builds_it(shared: Shared, tmp_path: Path) -> None:
    image = built(Project(render_variant(shared, landmarks()[0]), shared), shared)
    path = f"{image.images.docker(tmp_path / 'bin')}:/usr/bin:/bin"

    made = run(["make", "docker", "IMAGE=localhost/made", f"VERSION={VERSION}"], cwd=image.context, env={"PATH": path})

    assert made.status == 0, made
    assert image.images.inspect(f"localhost/made:{VERSION}")["config"]["Labels"] == image.configuration["Labels"]


def put_to_work(image: Image, service: Service, settings: Mapping[str, str]) -> None:
    """Has the service do what it is for."""
    if service.grpc:
        with connected(image.project.path, service.grpc) as client:
            assert client.ask("CreateUser", {"user": {"name": "Ada", "email": "ada@example.com"}}).code == "OK"
    if service.public:
        assert service.ask("POST", "/v1/users", {"name": "Grace", "email": "grace@example.com"}).status == 201
    if service.grpc or service.public:
        return
    if settings:
        send(['{"text": "hello world"}'], image.project, settings)
    eventually(lambda: service.metric('worker_jobs_total{outcome="completed"}') > 0)


def facts(process: subprocess.Popen[str]) -> dict[str, Any]:
    """What the kernel says of a process: who it is, what it may, and how its root is mounted."""
    proc = Path(f"/proc/{process.pid}")
    status = dict(line.split(":\t", 1) for line in (proc / "status").read_text(encoding="utf-8").splitlines())
    mounts = [line.split() for line in (proc / "mountinfo").read_text(encoding="utf-8").splitlines()]
    (root,) = (mount for mount in mounts if mount[4] == "/")
    return {"user": status["Uid"].split()[0], "capabilities": int(status["CapEff"], 16), "root": root[5].split(",")[0]}


def elf_machine(binary: Path) -> int:
    machine: int = struct.unpack_from("<H", binary.read_bytes(), 18)[0]
    return machine
