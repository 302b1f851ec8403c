"""A nursery of Python processes: one interpreter has imported what scripts need, and forks once for each of them.

What it forks are processes like any other: they have a pid and streams of their own, can be killed, and when they end,
their threads are waited for and their exit functions are called. They only come without the half second that imports
take. Where a fresh interpreter or the very end of one is the point of a test, or an option or a variable that only a
fresh one heeds, `subprocess` is the way.
"""

from __future__ import annotations

import atexit
import contextlib
import functools
import gc
import importlib
import json
import os
import runpy
import select
import signal
import socket
import subprocess
import sys
import tempfile
import types
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any

ROOT = Path(__file__).parent.parent
USUAL = ("cassettes_lib.recording", "cassettes_lib.stores", "cassettes_lib.testcase", "tests.support_blocks")


class Process:
    """A process that was forked. It has the part of `subprocess.Popen` that the tests need."""

    def __init__(self, status: int, stdin: IO[bytes] | None, stdout: IO[bytes] | None) -> None:
        self._status = os.fdopen(status, "rb", 0)
        self.pid = int(self._status.readline())
        self.stdin = stdin
        self.stdout = stdout
        self.returncode: int | None = None

    def poll(self) -> int | None:
        """Return how the process ended, or None while it runs."""
        if self.returncode is None and select.select([self._status], [], [], 0)[0]:
            self.returncode = int(self._status.readline())
            self._status.close()
        return self.returncode

    def wait(self, timeout: float) -> int:
        """Return how the process ended, when it has; a signal counts as its negative number."""
        if self.returncode is None and not select.select([self._status], [], [], timeout)[0]:
            raise TimeoutError(f"process {self.pid} has not ended in {timeout} s")
        code = self.poll()
        assert code is not None
        return code

    def kill(self) -> None:
        """End the process by SIGKILL, if it has not ended."""
        if self.poll() is None:
            os.kill(self.pid, signal.SIGKILL)

    def communicate(self, timeout: float) -> bytes:
        """Close the input, wait for the end, and return what is left of the output."""
        if self.stdin is not None:
            self.stdin.close()
        output = b""
        if self.stdout is not None and not self.stdout.closed:
            with self.stdout:
                output = b"".join(iter(lambda: self._read(timeout), b""))
        self.wait(timeout)
        return output

    def _read(self, timeout: float) -> bytes:
        assert self.stdout is not None
        if not select.select([self.stdout], [], [], timeout)[0]:
            raise TimeoutError(f"process {self.pid} has said nothing for {timeout} s")
        return os.read(self.stdout.fileno(), 1 << 16)


class Nursery:
    """A process that has imported modules, and forks."""

    def __init__(self, *modules: str) -> None:
        ours, theirs = socket.socketpair()
        self._socket = ours
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-c", f"from tests.nursery import serve; serve({theirs.fileno()}, {modules!r})"],
                stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, pass_fds=[theirs.fileno()],
                env={**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), *sys.path])},
            )
        self._owner = os.getpid()
        atexit.register(self._close)

    def _close(self) -> None:
        self._socket.close()
        if os.getpid() == self._owner:
            self._process.wait()

    def start(self, *arguments: object, cwd: Path, env: Mapping[str, str], stdin: int, stdout: int, stderr: int) -> int:
        """Fork a process that does what `python *arguments` does; return the file that tells its pid and how it ended.

        Args:
            arguments: `-c code`, `-m module`, or the path of a script, and what goes behind it.
            cwd: The folder it runs in.
            env: All of its environment.
            stdin: A file, by its number, as are `stdout` and `stderr`.
        """
        reader, writer = os.pipe()
        with tempfile.TemporaryFile() as birth:
            certificate = {"arguments": list(map(str, arguments)), "cwd": str(cwd), "env": dict(env)}
            birth.write(json.dumps(certificate).encode())
            birth.flush()
            socket.send_fds(self._socket, [b"."], [birth.fileno(), writer, stdin, stdout, stderr])
        os.close(writer)
        return reader


@functools.cache
def nursery(*modules: str) -> Nursery:
    """Return the nursery of this process that has imported some modules."""
    return Nursery(*modules)


def start(*arguments: object, cwd: Path, env: Mapping[str, str], errors_too: bool = False) -> Process:
    """Start a process, with pipes for its input and its output; its errors go there, too, or where ours go."""
    theirs_in, ours_in = os.pipe()
    ours_out, theirs_out = os.pipe()
    status = nursery(*USUAL).start(
        *arguments, cwd=cwd, env=env, stdin=theirs_in, stdout=theirs_out, stderr=theirs_out if errors_too else 2
    )
    os.close(theirs_in)
    os.close(theirs_out)
    return Process(status, os.fdopen(ours_in, "wb", 0), os.fdopen(ours_out, "rb", 0))


def run(
    *arguments: object, cwd: Path, env: Mapping[str, str], modules: tuple[str, ...] = USUAL, errors_too: bool = False,
    timeout: float = 120,
) -> subprocess.CompletedProcess[str]:
    """Run a process to its end, without input; return what it said, in one or in two pieces."""
    with (
        open(os.devnull, "rb") as nothing, tempfile.TemporaryFile("w+", encoding="utf-8") as output,
        tempfile.TemporaryFile("w+", encoding="utf-8") as errors,
    ):
        status = nursery(*modules).start(
            *arguments, cwd=cwd, env=env, stdin=nothing.fileno(), stdout=output.fileno(),
            stderr=(output if errors_too else errors).fileno(),
        )
        process = Process(status, None, None)
        try:
            code = process.wait(timeout)
        finally:
            process.kill()
        output.seek(0)
        errors.seek(0)
        return subprocess.CompletedProcess(arguments, code, output.read(), errors.read())


def serve(number: int, modules: tuple[str, ...]) -> None:
    """Be a nursery, until the other end of a socket is closed. In a forked process, do what it is asked for."""
    del sys.path[0]
    code: list[int] = []
    atexit.register(_leave, code, os.getpid())  # the first one to be registered is the last one to be called
    for module in modules:
        importlib.import_module(module)
    gc.collect()
    gc.freeze()
    running: dict[int, int] = {}
    signal.signal(signal.SIGCHLD, lambda *_: _tell(running))
    ours = socket.socket(fileno=number)
    while True:
        _, files, _, _ = socket.recv_fds(ours, 1, 5)
        if not files:
            return
        birth, status, *streams = files
        signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGCHLD])
        child = os.fork()
        if child == 0:
            break
        os.write(status, f"{child}\n".encode())
        running[child] = status
        for each in (birth, *streams):
            os.close(each)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGCHLD])
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGCHLD])
    ours.close()
    for each in (status, *running.values()):
        os.close(each)
    for standard, each in enumerate(streams):
        os.dup2(each, standard)
        os.close(each)
    with open(birth, "rb") as file:
        file.seek(0)
        certificate = json.load(file)
    try:
        _live(**certificate)
    except SystemExit as exit:
        code.append(exit.code if isinstance(exit.code, int) else int(exit.code is not None))
        raise
    except Exception:
        code.append(1)
        raise
    code.append(0)


def _leave(code: list[int], nursery: int) -> None:
    """End a forked process when its exit functions are done, but do not free every object: that copies every page."""
    if code and os.getpid() != nursery:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code[0])


def _tell(running: dict[int, int]) -> None:
    """Tell how those ended that have."""
    with contextlib.suppress(ChildProcessError):
        while ended := os.waitpid(-1, os.WNOHANG):
            pid, code = ended
            if pid == 0:
                return
            with open(running.pop(pid), "wb", 0) as status:
                status.write(f"{os.waitstatus_to_exitcode(code)}\n".encode())


def _live(arguments: list[str], cwd: str, env: dict[str, str]) -> None:
    """Do what `python *arguments` does."""
    os.environ.clear()
    os.environ.update(env)
    os.chdir(cwd)
    sys.path[:0] = [path for path in env.get("PYTHONPATH", "").split(os.pathsep) if path]
    kind = arguments[0]
    if kind == "-m":
        sys.argv = arguments[1:]
        sys.path.insert(0, cwd)
        runpy.run_module(arguments[1], run_name="__main__", alter_sys=True)
        return
    main = sys.modules["__main__"] = types.ModuleType("__main__")
    variables: dict[str, Any] = vars(main)
    if kind == "-c":
        sys.argv = ["-c", *arguments[2:]]
        sys.path.insert(0, "")
        code, name = arguments[1], "<string>"
    else:
        sys.argv = arguments
        sys.path.insert(0, str(Path(kind).resolve().parent))
        code, name = Path(kind).read_text(encoding="utf-8"), kind
        variables["__file__"] = kind
    exec(compile(code, name, "exec"), variables)
