"""Images built by buildah, without a network, over stand-ins for the images that a Dockerfile starts from."""

import json
import re
import shlex
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from tests import source
from tests.gotools import go
from tests.support import Outcome, Shared, program, run

READ_ONLY = """
set -e
{mount} --bind "$1" "$1"
{mount} -o remount,bind,ro "$1"
{mount} -t proc -o ro proc "$1/proc"
root=$1 user=$2
shift 2
exec {chroot} --userspec="$user" "$root" "$@"
"""
"""Enters a root file system that cannot be written, as a user, and becomes a program in it."""


class Images:
    """A store of images, which the tests of a session share.

    The compilers, modules and compiled packages of a build are those of this machine; all else is as the Dockerfile says.
    It needs root, for mounts and chroot, and nothing of a container runtime: no daemon, no cgroups, no registry.
    """

    def __init__(self, store: Path) -> None:
        self._store = store
        self._temporary = store / "tmp"
        self._goroot, self._modules, self._compiled, self.architecture = _go_env("GOROOT", "GOMODCACHE", "GOCACHE", "GOARCH")

    def make_stand_ins(self, dockerfile: str) -> Outcome:
        """Makes what a Dockerfile names in its first and its last FROM: an image with a shell and Go, and one that is empty."""
        self._temporary.mkdir(parents=True)
        builder, *_, base = re.findall(r"(?m)^FROM (?:--platform=\S+ )?(\S+)", dockerfile)
        go_variables = {"GOPATH": "/go", "GOTOOLCHAIN": "local", "GOPROXY": "file:///modules", "GOCACHE": "/compiled"}
        self._commit(builder, {"PATH": "/usr/local/go/bin:/bin", **go_variables}, files=_with_libraries(Path("/bin/sh")))
        return self._commit(base, {"PATH": "/bin"}, files=[])

    def build(self, context: Path, tag: str, *arguments: str) -> Outcome:
        """Builds an image from a directory with a Dockerfile."""
        return run([*self._build_command(), *arguments, "--tag", tag, context], cwd=context)

    def build_for_all(self, context: Path, tag: str, *platforms: str) -> Outcome:
        """Builds one image for several platforms."""
        # Docker sets BUILDPLATFORM by itself; buildah does from 1.29 on.
        crossing = ["--platform", ",".join(platforms), "--build-arg", f"BUILDPLATFORM=linux/{self.architecture}"]
        return run([*self._build_command(), *crossing, "--manifest", tag, context], cwd=context)

    def inspect(self, image: str) -> dict[str, Any]:
        """The image's configuration, as the OCI names it."""
        described: dict[str, Any] = json.loads(self._said("inspect", "--type=image", image))["OCIv1"]
        return described

    def platforms(self, image: str) -> set[str]:
        """What an image for several platforms is for."""
        listed = json.loads(self._said("manifest", "inspect", image))["manifests"]
        return {"{os}/{architecture}".format(**entry["platform"]) for entry in listed}

    def root(self, image: str, platform: str | None = None) -> Path:
        """The image's root file system, on this machine's platform or another."""
        chosen = platform or f"linux/{self.architecture}"
        return Path(self._said("mount", self._said("from", "--pull-never", f"--platform={chosen}", image)))

    def docker(self, directory: Path) -> Path:
        """Writes a program `docker` that knows `docker build`, for a Makefile that calls it. Returns its directory."""
        directory.mkdir(parents=True, exist_ok=True)
        shim = directory / "docker"
        shim.write_text(
            "#!/bin/sh\n"
            '[ "$1" = build ] || { echo "docker: there is only \\"docker build\\" here" >&2; exit 1; }\n'
            f'shift\nexec {shlex.join(map(str, self._build_command()))} "$@"\n',
            encoding="utf-8",
        )
        shim.chmod(0o755)
        return directory

    def _build_command(self) -> list[str | Path]:
        volumes = {
            self._goroot: "/usr/local/go:ro",
            f"{self._modules}/cache/download": "/modules:ro",
            self._compiled: "/compiled",
        }
        mounts = [f"--volume={path}:{place}" for path, place in volumes.items()]
        chosen = ["--isolation=chroot", "--pull-never", f"--platform=linux/{self.architecture}"]
        return [program("unshare"), "--net", "env", f"TMPDIR={self._temporary}", *self._buildah("build"), *chosen, *mounts]

    def _commit(self, name: str, variables: Mapping[str, str], files: list[Path]) -> Outcome:
        container = self._said("from", "scratch")
        root = Path(self._said("mount", container))
        for directory in ("etc", "proc", "tmp"):
            (root / directory).mkdir()
        for file in files:
            (root / file.relative_to("/")).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(file, root / file.relative_to("/"))
        self._said("config", *(f"--env={key}={value}" for key, value in variables.items()), container)
        full_name = name if "/" in name else f"docker.io/library/{name}"
        return self._run("commit", "--rm", container, full_name)

    def _said(self, *arguments: str) -> str:
        done = self._run(*arguments)
        assert done.status == 0, done
        return done.output.strip()

    def _run(self, *arguments: str) -> Outcome:
        return run([*self._buildah(*arguments)], cwd=self._store)

    def _buildah(self, command: str, *arguments: str) -> list[str | Path]:
        places = [f"--root={self._store}/images", f"--runroot={self._store}/run"]
        return [program("buildah"), "--storage-driver=vfs", *places, command, *arguments]


def images_of(shared: Shared, dockerfile: str) -> Images:
    """The session's store of images, with what this Dockerfile starts from."""
    allowed = run([program("unshare"), "--mount", "--net", "true"], cwd=source.ROOT)
    if allowed.status:
        pytest.skip(f"Building and running images needs root that may mount: {allowed.output.strip()}")
    images = Images(shared.path / "images")
    made = shared.outcome("stand-ins", lambda: images.make_stand_ins(dockerfile))
    assert made.status == 0, made
    return images


def contained(root: Path, configuration: Mapping[str, Any], *arguments: str, **variables: str) -> subprocess.Popen[str]:
    """Starts an image's program in its root file system, which it cannot write, as the image's user and with its variables."""
    own = dict(variable.split("=", 1) for variable in configuration["Env"])
    script = READ_ONLY.format(mount=program("mount"), chroot=program("chroot"))
    command = [root, configuration["User"], *configuration["Entrypoint"], *arguments]
    return subprocess.Popen(
        [program("unshare"), "--mount", "/bin/sh", "-c", script, "sh", *command],
        env=own | variables,
        stdin=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        encoding="utf-8",
    )


def _with_libraries(file: Path) -> list[Path]:
    """A program of this machine and the libraries that it needs."""
    needed = run([program("ldd"), file], cwd=Path("/"))
    return [file, *map(Path, re.findall(r"/\S+", needed.output))]


def _go_env(*names: str) -> list[str]:
    return go(source.ROOT, "env", *names).output.split()
