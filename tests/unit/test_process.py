"""process.py, on real programs."""

import os
import select
import sys
from pathlib import Path

import pytest

from gopherforge.errors import CannotWrite, ProgramFailed, ProgramMissing
from gopherforge.process import run, supervise


def python(program: str) -> list[str]:
    return [sys.executable, "-c", program]


def test_tells_how_a_program_ended(tmp_path: Path) -> None:
    done = run(python("import sys; print('out'); print('err', file=sys.stderr); sys.exit(3)"), cwd=tmp_path, env={}, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (3, "out\n", "err\n")


def test_passes_input_directory_and_environment_and_nothing_else(tmp_path: Path) -> None:
    program = "import os, sys; print(os.getcwd(), os.environ.get('GIVEN'), os.environ.get('HOME'), sys.stdin.read())"
    done = run(python(program), cwd=tmp_path, env={"GIVEN": "yes"}, input="fed")
    assert done.stdout == f"{tmp_path} yes None fed\n"


def test_a_program_that_asks_reads_the_end_of_its_input(tmp_path: Path) -> None:
    assert run(python("import sys; print(repr(sys.stdin.read()))"), cwd=tmp_path, env={}).stdout == "''\n"


def test_every_byte_survives_both_ways(tmp_path: Path) -> None:
    everything = bytes(range(256)).decode("utf-8", "surrogateescape")
    echo = "import sys; sys.stdout.buffer.write(sys.stdin.buffer.read())"
    assert run(python(echo), cwd=tmp_path, env={}, input=everything).stdout == everything


def test_looks_programs_up_on_the_given_path(tmp_path: Path) -> None:
    program = tmp_path / "greet"
    program.write_text("#!/bin/sh\necho hello\n")
    program.chmod(0o755)
    assert run(["greet"], cwd=tmp_path, env={"PATH": str(tmp_path)}).stdout == "hello\n"
    with pytest.raises(ProgramMissing) as missing:
        run(["greet"], cwd=tmp_path, env={"PATH": str(tmp_path / "elsewhere")})
    assert missing.value.exit_code == 5
    assert missing.value.message == "greet is required and was not found."
    assert missing.value.hint == "install greet and put it on PATH."


@pytest.mark.parametrize(
    ("said", "message"),
    [
        ("fatal: loose object file: No space left on device", "loose object file: No space left on device"),
        ("fatal: sha1 file 'index.lock' write error. Out of diskspace", "sha1 file 'index.lock' write error. Out of diskspace"),
        ("error: unable to create file a: Read-only file system\nfatal: no", "unable to create file a: Read-only file system"),
    ],
)
def test_a_full_disk_is_no_fault_of_the_program(tmp_path: Path, said: str, message: str) -> None:
    with pytest.raises(CannotWrite) as failure:
        run(python(f"import sys; sys.exit({said!r})"), cwd=tmp_path, env={})
    assert (failure.value.message, failure.value.exit_code) == (f"{sys.executable} cannot write: {message}.", 1)


@pytest.mark.parametrize(
    ("program", "message"),
    [
        ("import sys; print('first\\nlast', file=sys.stderr); sys.exit(3)", "failed (exit code 3): last"),
        ("print('only this'); raise SystemExit(1)", "failed (exit code 1): only this"),
        ("raise SystemExit(4)", "failed (exit code 4)."),
        ("import os; os.kill(os.getpid(), 15)", "failed (signal 15)."),
    ],
)
def test_a_failure_is_one_sentence_with_the_programs_last_words(tmp_path: Path, program: str, message: str) -> None:
    with pytest.raises(ProgramFailed) as failed:
        run(python(program), cwd=tmp_path, env={})
    assert failed.value.message == f"{sys.executable} {message}"  # without `-c` and what comes with it
    assert failed.value.exit_code == 5


def test_a_program_that_hangs_is_ended(tmp_path: Path) -> None:
    with pytest.raises(ProgramFailed, match=r"did not end within 0\.1 seconds"):
        run(python("import threading; threading.Event().wait()"), cwd=tmp_path, env={}, timeout=0.1)


def test_a_missing_directory_is_not_taken_for_a_missing_program(tmp_path: Path) -> None:
    with pytest.raises(ProgramFailed, match="there is no such directory"):
        run(["true"], cwd=tmp_path / "absent", env=dict(os.environ))


def test_what_cannot_be_started_says_why(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("no program")
    with pytest.raises(ProgramFailed, match="could not be started: Permission denied"):
        run([str(tmp_path / "data")], cwd=tmp_path, env={})


def test_what_a_supervised_program_says_comes_as_one(tmp_path: Path) -> None:
    program = "import sys; print('out', flush=True); print('err', file=sys.stderr, flush=True); print('out'); sys.exit(3)"
    done = supervise(python(program), cwd=tmp_path, env={})
    assert (done.returncode, done.stdout, done.stderr) == (3, "out\nerr\nout\n", "")


def test_of_much_only_the_end_is_kept(tmp_path: Path) -> None:
    assert supervise(python("print('x' * 100000 + 'end')"), cwd=tmp_path, env={}, keep=5).stdout == "xend\n"


def test_a_supervised_program_has_neither_input_nor_terminal(tmp_path: Path) -> None:
    program = "import os, sys; print(repr(sys.stdin.read()), os.getsid(0) == os.getpid())"
    assert supervise(python(program), cwd=tmp_path, env={}).stdout == "'' True\n"


def test_nothing_outlives_a_supervised_program(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "alive")
    reading = os.open(tmp_path / "alive", os.O_RDONLY | os.O_NONBLOCK)
    done = supervise(["sh", "-c", "exec 9>alive; sleep 1000 & exit 0"], cwd=tmp_path, env=dict(os.environ))
    assert done.returncode == 0
    assert select.select([reading], [], [], 30)[0]  # the end: nobody has it open for writing
    os.close(reading)


def test_a_supervised_program_that_hangs_is_ended_with_what_it_started(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "alive")
    reading = os.open(tmp_path / "alive", os.O_RDONLY | os.O_NONBLOCK)
    with pytest.raises(ProgramFailed, match=r"sh did not end within 0\.5 seconds"):
        supervise(["sh", "-c", "exec 9>alive; sleep 1000 & wait"], cwd=tmp_path, env=dict(os.environ), timeout=0.5)
    assert select.select([reading], [], [], 30)[0]
    os.close(reading)


def test_what_cannot_be_supervised_is_told_as_what_cannot_be_run(tmp_path: Path) -> None:
    with pytest.raises(ProgramMissing, match="nothing-like-this is required and was not found"):
        supervise(["nothing-like-this"], cwd=tmp_path, env=dict(os.environ))
    with pytest.raises(ProgramFailed, match="there is no such directory"):
        supervise(["true"], cwd=tmp_path / "absent", env=dict(os.environ))


INTERRUPTED_WHILE_IT_STARTS = """
import os, signal, sys
from pathlib import Path
from gopherforge.process import supervise

def interrupt(frame, event, _argument):
    if event == "return" and frame.f_code.co_name == "_execute_child":  # of Popen: the program runs, and nobody has it yet
        sys.setprofile(None)
        os.kill(os.getpid(), signal.{name})

sys.setprofile(interrupt)
supervise(["sh", "-c", "exec 9>alive; sleep 1000"], cwd=Path.cwd(), env=dict(os.environ))
"""


@pytest.mark.parametrize(("name", "code"), [("SIGINT", -2), ("SIGTERM", 143), ("SIGHUP", 129)])
def test_a_program_is_ended_that_was_just_being_started(tmp_path: Path, name: str, code: int) -> None:
    os.mkfifo(tmp_path / "alive")
    keeper = os.open(tmp_path / "alive", os.O_RDWR)  # so that neither side waits for the other to open it
    reader = os.open(tmp_path / "alive", os.O_RDONLY)

    ended = run(python(INTERRUPTED_WHILE_IT_STARTS.format(name=name)), cwd=tmp_path, env=dict(os.environ), check=False)

    os.close(keeper)
    assert ended.returncode == code, ended
    assert select.select([reader], [], [], 30)[0]  # at its end, which it has when no process holds it any more
    assert os.read(reader, 1) == b""
    os.close(reader)
