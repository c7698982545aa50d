"""Mutual TLS of the built service: who has no good certificate gets no answer, and certificates are renewed while it runs."""

import shutil
import signal
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.generated.calls import connected
from tests.generated.faults.calling import Programs
from tests.generated.faults.subject import Subject
from tests.generated.service import Service, eventually

pytestmark = pytest.mark.go

REFUSED = {
    "second-good": "certificate signed by unknown authority",
    "first-expired": "certificate has expired or is not yet valid",
    None: "client didn't provide a certificate",
}
"""Whom a service refuses that trusts the first authority, and why."""

QUICKLY = 5.0
"""Seconds in which a handshake succeeds, if ever."""


@dataclass(frozen=True)
class Secured:
    """A service over TLS that lets in whom its authority has certified, and the certificates there are."""

    subject: Subject
    certificates: Path
    mounted: Path

    @property
    def settings(self) -> dict[str, str]:
        names = {"TLS_CERT_FILE": "tls.crt", "TLS_KEY_FILE": "tls.key", "TLS_CLIENT_CA_FILE": "ca.crt"}
        return {variable: str(self.mounted / name) for variable, name in names.items()}

    def mount(self, certificate: str, authority: str) -> None:
        """Replaces each of the files at once, as the links of a mounted secret do."""
        files = {"tls.crt": f"{certificate}.crt", "tls.key": f"{certificate}.key", "ca.crt": f"{authority}.crt"}
        for name, source in files.items():
            shutil.copy2(self.certificates / source, self.mounted / f"{name}.new")
            (self.mounted / f"{name}.new").replace(self.mounted / name)

    def answer(self, service: Service, name: str | None, authority: str = "first") -> str:
        """The code of a call by a new connection of a client with this certificate, who trusts an authority."""
        trusted = (self.certificates / f"{authority}.crt").read_bytes()
        with connected(self.subject.project.path, service.grpc, trusted, self.identity(name) if name else None) as client:
            return client.ask("ListUsers", within=QUICKLY).code

    def identity(self, name: str) -> tuple[bytes, bytes]:
        """A key and its certificate."""
        return (self.certificates / f"{name}.key").read_bytes(), (self.certificates / f"{name}.crt").read_bytes()


@pytest.fixture
def secured(full_grpc_subject: Subject, programs: Programs, tmp_path: Path) -> Secured:
    made = Secured(full_grpc_subject, tmp_path / "certificates", tmp_path / "mounted")
    for directory in (made.certificates, made.mounted):
        directory.mkdir()
    programs.make_certificates(made.certificates)
    made.mount("first-good", "first")
    return made


def test_only_good_certificates_are_let_in(secured: Secured) -> None:
    with secured.subject.running(**secured.settings) as service:
        service.wait_until_ready()
        assert secured.answer(service, "first-good") == "OK"
        for name, reason in REFUSED.items():
            assert secured.answer(service, name) == "UNAVAILABLE"
            assert reason in service.logged("TLS handshake failed")["error"]
        assert secured.answer(service, "first-good") == "OK"
        assert service.stop(signal.SIGTERM) == 0


@pytest.mark.parametrize("shown", ["second-good", "first-expired"])
def test_clients_refuse_a_wrong_or_expired_certificate(shown: str, secured: Secured) -> None:
    secured.mount(shown, "first")
    with secured.subject.running(**secured.settings) as service:
        service.wait_until_ready()
        assert secured.answer(service, "first-good") == "UNAVAILABLE"
        assert service.stop(signal.SIGTERM) == 0


def test_certificates_are_renewed_while_the_service_runs(secured: Secured) -> None:
    with secured.subject.running(**secured.settings) as service:
        service.wait_until_ready()
        authority = (secured.certificates / "first.crt").read_bytes()
        with connected(secured.subject.project.path, service.grpc, authority, secured.identity("first-good")) as old:
            assert old.ask("ListUsers").code == "OK"

            (secured.mounted / "tls.crt").write_text("half a certificate", encoding="utf-8")
            wait_until_the_old_files_stay(service, secured)
            secured.mount("second-good", "second")
            eventually(lambda: secured.answer(service, "second-good", "second") == "OK")

            assert secured.answer(service, "first-good", "second") == "UNAVAILABLE"
            assert secured.answer(service, "second-good", "first") == "UNAVAILABLE"
            assert old.ask("ListUsers").code == "OK"  # on the connection that it has
        assert service.stop(signal.SIGTERM) == 0


def wait_until_the_old_files_stay(service: Service, secured: Secured) -> None:
    """Waits until a service says that it does not use what it has found. All the time it lets clients in."""
    with ThreadPoolExecutor(1) as pool:
        said = pool.submit(service.logged, "new TLS files are not used")

        def has_said() -> bool:
            assert secured.answer(service, "first-good") == "OK"
            return said.done()

        eventually(has_said)
        assert said.result()["level"] == "ERROR"


def test_files_that_are_wrong_are_named_at_the_start(secured: Secured) -> None:
    shutil.copy2(secured.certificates / "second-good.key", secured.mounted / "tls.key")

    failed = secured.subject.run(**secured.settings, GRPC_ADDR="127.0.0.1:0", HTTP_ADDR="127.0.0.1:0", ADMIN_ADDR="127.0.0.1:0")

    assert failed.status == 1
    assert str(secured.mounted / "tls.crt") in failed.output
