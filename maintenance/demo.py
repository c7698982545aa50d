"""Makes a service with the defaults, builds it, starts it, asks its health and stops it; prints each command to be typed."""

import json
import os
import shlex
import signal
import subprocess
import tempfile
import urllib.request
from pathlib import Path

NAME = "hello-service"

FREE_PORTS = {"HTTP_ADDR": "127.0.0.1:0", "ADMIN_ADDR": "127.0.0.1:0"}


def main() -> None:
    """Leave nothing behind: the service is made in a temporary directory."""
    with tempfile.TemporaryDirectory(prefix="gopherforge-demo-") as directory:
        run("gopherforge", "new", NAME, "--defaults", cwd=Path(directory))
        service = Path(directory) / NAME
        run("go", "build", "-o", "bin/server", "./cmd/server", cwd=service)
        serve(service)
    print(f"\nThe same for you to keep: .venv/bin/gopherforge new ../{NAME}")


def run(*command: str, cwd: Path) -> None:
    """Run a command, which has to succeed."""
    print(f"\n$ {shlex.join(command)}", flush=True)
    subprocess.run(command, cwd=cwd, check=True)


def serve(service: Path) -> None:
    """Asks a started service what its health is, creates a user, and stops it with SIGTERM."""
    print("\n$ bin/server", flush=True)
    with subprocess.Popen(["bin/server"], cwd=service, env=os.environ | FREE_PORTS, stderr=subprocess.PIPE, text=True) as process:
        try:
            ready = wait_until_ready(process)
            ask(f"http://{ready['admin']}/readyz")
            ask(f"http://{ready['http']}/v1/users", {"name": "Ada Lovelace", "email": "ada@example.com"})
            print("\n$ kill -TERM %1    # it drains, then stops", flush=True)
            process.send_signal(signal.SIGTERM)
            for line in process.stderr or []:
                print(line, end="", flush=True)
            print(f"exit status {process.wait()}")
        finally:
            process.kill()
    if process.returncode:
        raise SystemExit(process.returncode)


def wait_until_ready(process: subprocess.Popen[str]) -> dict[str, str]:
    """The log record that names the addresses bound."""
    for line in process.stderr or []:
        print(line, end="", flush=True)
        record: dict[str, str] = json.loads(line)
        if record["msg"] == "ready":
            return record
    raise SystemExit("error: the service ended before it was ready.")


def ask(url: str, body: dict[str, str] | None = None) -> None:
    """Send a GET, or a POST of a JSON body, and print the answer."""
    content = json.dumps(body).encode() if body else None
    print(f"\n$ curl {url}" + (f" -H 'Content-Type: application/json' -d {shlex.quote(json.dumps(body))}" if body else ""))
    request = urllib.request.Request(url, content, {"Content-Type": "application/json"} if body else {})
    with urllib.request.urlopen(request, timeout=10) as answer:
        print(f"{answer.status} {answer.read().decode().strip()}", flush=True)


if __name__ == "__main__":
    main()
