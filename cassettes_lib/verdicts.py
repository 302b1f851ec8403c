"""What the test framework thinks of the running test: whether it has failed, where no exception tells us so.

Strategy: a block that is left by a cleanup, by a fixture's end or after a `subTest` sees no exception, whatever has
happened to the test. But the framework is on the stack. unittest keeps an `_Outcome` per running test, through
which each failure goes to the result: a `WatchedResult` in the place of that result sees the exceptions before they are
printed. Around it, unittest's suites and pytest's runner count failures. Nothing of this imports a framework; where
none is found, or it looks other than expected, a block knows just what it is told.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from types import FrameType
from typing import Any

FailureListener = Callable[[BaseException], None]

_REPORTS_OF_FAILURE = ("addError", "addFailure", "addSubTest")
_NONE: Any = None


class WatchedResult:
    """Stands before the result of a running test, and tells of the exceptions that are reported to it."""

    def __init__(self, result: Any) -> None:
        self.__dict__["_watched"] = result
        self.__dict__["_listeners"] = []

    def __getattr__(self, name: str) -> Any:
        attribute = getattr(self._watched, name)
        return self._telling(attribute) if name in _REPORTS_OF_FAILURE else attribute

    def __setattr__(self, name: str, value: Any) -> None:
        setattr(self._watched, name, value)

    def _telling(self, report: Callable[..., Any]) -> Callable[..., Any]:
        def tell_and_report(*args: Any, **kwargs: Any) -> Any:
            error = _exception_in((*args, *kwargs.values()))
            if error is not None:
                for listener in reversed(self._listeners):
                    listener(error)
            return report(*args, **kwargs)

        return tell_and_report


class Verdict:
    """Watches whether the running test fails, from the making of this object on.

    Attributes:
        test_id: The running test, as `test_runner` takes it; "" when not known.
        test_runner: The command that runs it.
    """

    def __init__(self) -> None:
        """Find the framework on the stack."""
        self.test_id, self.test_runner = "", "python -m unittest"
        self._outcome: Any = _NONE
        self._count: Callable[[], int] | None = None
        self._listener: FailureListener | None = None
        self._seen = 0
        self._find()
        under_pytest = os.environ.get("PYTEST_CURRENT_TEST") if "_pytest.runner" in sys.modules else None
        if under_pytest:  # `tests/test_shop.py::test_order[one] (call)`
            import shlex

            self.test_id, self.test_runner = shlex.quote(under_pytest.rpartition(" (")[0]), "python -m pytest"
        self._failures_before = self._failures()

    def watch(self, on_failure: FailureListener) -> None:
        """Be told of each exception that is reported for the running test, before it is printed."""
        if self._outcome is None:
            return

        def count_and_tell(error: BaseException) -> None:
            self._seen += 1
            on_failure(error)

        if not isinstance(self._outcome.result, WatchedResult):
            self._outcome.result = WatchedResult(self._outcome.result)
        self._outcome.result.__dict__["_listeners"].append(count_and_tell)
        self._listener = count_and_tell

    @property
    def has_failed(self) -> bool:
        """Whether the test, or one that the block covers, has failed since."""
        return self._failures() > self._failures_before

    @property
    def has_failed_as_expected(self) -> bool:
        """Whether the test has failed, and is decorated with `expectedFailure`."""
        return getattr(self._outcome, "expectedFailure", None) is not None

    def stop(self) -> None:
        """Stop watching, and put the result back in its place when nobody else watches."""
        result = getattr(self._outcome, "result", None)
        if not isinstance(result, WatchedResult):
            return
        listeners = result.__dict__["_listeners"]
        if self._listener in listeners:
            listeners.remove(self._listener)
        if not listeners:
            self._outcome.result = result.__dict__["_watched"]

    def _find(self) -> None:
        if "unittest.case" not in sys.modules and "_pytest.runner" not in sys.modules:
            return None
        frame: FrameType | None = sys._getframe(2)
        while frame is not None:
            module = frame.f_globals.get("__name__", "")
            if module == "unittest.case" and frame.f_code.co_name == "run":
                return self._watch_case(frame.f_locals.get("self"))
            if module == "testtools.testcase" and frame.f_code.co_name == "run":
                return self._watch_testtools(frame.f_locals.get("self"))
            if module == "unittest.suite" and "result" in frame.f_locals:
                return self._count_in_suite(frame.f_locals["result"])
            if module == "_pytest.runner" and "item" in frame.f_locals:
                return self._count_in_pytest(frame.f_locals["item"])
            frame = frame.f_back
        return None

    def _watch_case(self, case: Any) -> None:
        outcome = getattr(case, "_outcome", _NONE)
        if not hasattr(outcome, "result") or not hasattr(outcome, "success"):
            return
        self._outcome = outcome
        self._count = lambda: self._seen
        identify = getattr(case, "id", None)
        name = str(identify()) if callable(identify) else ""
        self.test_id = "" if "<locals>" in name or name.startswith("__main__.") else name

    def _watch_testtools(self, case: Any) -> None:
        """Count the failures of a TestCase of testtools, which has no `_Outcome` and a hook instead."""
        if not hasattr(case, "addOnException"):
            return
        skip = sys.modules["unittest.case"].SkipTest

        def count(exc_info: tuple[type[BaseException], BaseException, object]) -> None:
            if not issubclass(exc_info[0], skip):
                self._seen += 1

        self._count = lambda: self._seen
        case.addOnException(count)

    def _count_in_suite(self, result: Any) -> None:
        if hasattr(result, "failures") and hasattr(result, "errors"):
            self._count = lambda: len(result.failures) + len(result.errors)

    def _count_in_pytest(self, item: Any) -> None:
        session = getattr(item, "session", _NONE)
        if hasattr(session, "testsfailed"):
            self._count = lambda: int(session.testsfailed)

    def _failures(self) -> int:
        return self._count() if self._count is not None else 0


def _exception_in(arguments: tuple[Any, ...]) -> BaseException | None:
    """Return the exception in the arguments of a report: inside of `sys.exc_info()`'s triple, None for a success."""
    for argument in arguments:
        if isinstance(argument, tuple) and len(argument) == 3 and isinstance(argument[1], BaseException):
            return argument[1]
    return None
