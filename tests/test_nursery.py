"""What the nursery forks behaves as an interpreter of its own."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

from tests import nursery

SCRIPT = """\
import atexit, os, sys, threading
atexit.register(print, "exit function")
print(sys.argv, __name__, sys.modules["__main__"].__dict__ is globals(), os.getcwd(), sorted(os.environ))
print(globals().get("__file__"), "error", sys.path[0], file=sys.stderr)
print(len(threading.enumerate()), sys.stdin.read(), "json" in globals())
go = threading.Event()
threading.Thread(target=lambda: (go.wait(), threading.main_thread().join(), print("thread"))).start()
go.set()
"""
ENDINGS = (
    "", "sys.exit()", "sys.exit(3)", "sys.exit('no')", "os._exit(4)", "1 / 0", "raise KeyboardInterrupt",
    "os.kill(os.getpid(), 9)", "os.kill(os.getpid(), 15)", "import other; other.leave()",
    "os.fork() or sys.exit(5)\nos.wait()",
)


class NurseryTest(unittest.TestCase):
    def setUp(self) -> None:
        self.folder = Path(os.path.realpath(self.enterContext(tempfile.TemporaryDirectory())))
        (self.folder / "other.py").write_text("import sys\ndef leave(): sys.exit(__name__ == 'other')\n")
        self.environment = {"PYTHONPATH": os.pathsep.join(sys.path), "WORD": "käse", "LC_ALL": "C.UTF-8"}

    def fresh(self, *arguments: object) -> tuple[int, str, str]:
        done = subprocess.run(
            [sys.executable, *map(str, arguments)], cwd=self.folder, env=self.environment, stdin=subprocess.DEVNULL,
            capture_output=True, text=True, check=False,
        )
        return done.returncode, done.stdout, done.stderr

    def forked(self, *arguments: object) -> tuple[int, str, str]:
        done = nursery.run(*arguments, cwd=self.folder, env=self.environment)
        return done.returncode, done.stdout, done.stderr

    def test_a_script_a_module_and_code_see_what_they_would_see(self) -> None:
        path = self.folder / "script.py"
        path.write_text(SCRIPT, encoding="utf-8")
        for arguments in ((path, "one", 2), ("-c", SCRIPT, "one", 2), ("-m", "script", "one", 2)):
            with self.subTest(arguments[0]):
                fresh, forked = self.fresh(*arguments), self.forked(*arguments)
                self.assertIn("thread\nexit function\n", fresh[1])
                self.assertEqual(forked, fresh)

    def test_they_end_as_they_would_end(self) -> None:
        for ending in ENDINGS:
            code = f"import atexit, os, sys\natexit.register(print, 'exit function')\n{ending}"
            with self.subTest(ending):
                fresh, forked = self.fresh("-c", code), self.forked("-c", code)
                self.assertEqual(forked[:2], fresh[:2])
                self.assertEqual(forked[2].splitlines()[-1:], fresh[2].splitlines()[-1:])

    def test_one_that_runs_can_be_talked_to_and_killed(self) -> None:
        process = nursery.start("-c", "import os\nprint(os.getpid(), input(), flush=True)\ninput()",
                                cwd=self.folder, env=self.environment)
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(b"hello\n")
        self.assertEqual(process.stdout.readline(), f"{process.pid} hello\n".encode())
        self.assertIsNone(process.poll())
        process.kill()
        self.assertEqual(process.communicate(60), b"")
        self.assertEqual(process.returncode, -signal.SIGKILL)
        with self.assertRaises(ProcessLookupError):
            os.kill(process.pid, 0)

    def test_its_output_is_kept_until_it_is_asked_for(self) -> None:
        process = nursery.start("-c", "import sys\nprint('out')\nsys.exit('err')", cwd=self.folder,
                                env=self.environment, errors_too=True)
        self.assertEqual(process.wait(60), 1)
        self.assertEqual(sorted(process.communicate(60).splitlines()), [b"err", b"out"])


if __name__ == "__main__":
    unittest.main()
