"""What a block learns from unittest: whether its test has failed, and who reports what."""

from __future__ import annotations

import unittest

from cassettes_lib import (
    use_cassette,
)
from tests.recording_support import RecordingTestCase, problems, run_class, run_test


class UnderUnittestTest(RecordingTestCase):
    """Blocks that a cleanup leaves see no exception; they look at what unittest thinks of the test."""

    def test_a_failing_test_leaves_a_cassette_entered_by_enter_context_incomplete(self) -> None:
        outer = self

        class ShopTest(unittest.TestCase):
            def setUp(self) -> None:
                self.enterContext(use_cassette(outer.path))

            def test_fails(self) -> None:
                outer.get("one")
                self.fail("on purpose")

            def test_errs(self) -> None:
                outer.get("one")
                raise ZeroDivisionError

            def test_sub_test_fails(self) -> None:
                with self.subTest("first"):
                    outer.get("one")
                    self.fail("on purpose")

            def test_tear_down_fails(self) -> None:
                outer.get("one")
                self.tearDown = self.fail  # type: ignore[method-assign, assignment]

            def test_skips(self) -> None:
                outer.get("one")
                self.skipTest("later")

            @unittest.expectedFailure
            def test_fails_as_expected(self) -> None:
                outer.get("one")
                self.fail("as expected")

            def test_passes(self) -> None:
                outer.get("one")

        for name, marks in [("fails", 1), ("errs", 1), ("sub_test_fails", 1), ("tear_down_fails", 1), ("skips", 0),
                            ("fails_as_expected", 0), ("passes", 0)]:
            with self.subTest(name):
                self.path.unlink(missing_ok=True)
                result = run_test(ShopTest(f"test_{name}"))
                self.assertEqual(len(result.failures) + len(result.errors), marks)
                self.assertEqual(self.marks(), marks)
                if marks:
                    self.assertEqual(problems(result).count("recorded  200  GET"), 1)

    def test_the_result_of_a_test_is_put_back(self) -> None:
        outer = self
        seen = []

        class ShopTest(unittest.TestCase):
            def test(self) -> None:
                before = self._outcome.result  # type: ignore[attr-defined]
                with use_cassette(outer.path), use_cassette(outer.path):
                    seen.append(self._outcome.result is before)  # type: ignore[attr-defined]
                seen.append(self._outcome.result is before)  # type: ignore[attr-defined]

        self.assertTrue(run_test(ShopTest("test")).wasSuccessful())
        self.assertEqual(seen, [False, True])

    def test_on_unused_does_not_hide_the_failure_of_the_test(self) -> None:
        outer = self
        with use_cassette(self.path):
            self.get("one")

        class ShopTest(unittest.TestCase):
            def setUp(self) -> None:
                self.enterContext(use_cassette(outer.path, on_unused="error"))

            def test_fails(self) -> None:
                self.fail("on purpose")

            @unittest.expectedFailure
            def test_fails_as_expected(self) -> None:
                self.fail("as expected")

            def test_passes(self) -> None:
                pass

        result = run_test(ShopTest("test_fails"))
        self.assertEqual((len(result.failures), len(result.errors)), (1, 0))
        result = run_test(ShopTest("test_fails_as_expected"))
        self.assertEqual((len(result.expectedFailures), len(result.errors)), (1, 0))
        self.assertIn("UnusedInteractionsError", problems(run_test(ShopTest("test_passes"))))

    def test_a_cassette_of_a_class_is_incomplete_when_one_of_its_tests_fails(self) -> None:
        outer = self

        class ShopTest(unittest.TestCase):
            fails = True

            @classmethod
            def setUpClass(cls) -> None:
                cls.enterClassContext(use_cassette(outer.path))

            def test_one(self) -> None:
                outer.get("one")
                self.assertFalse(self.fails)

            def test_two(self) -> None:
                outer.get("two")

        self.assertFalse(run_class(ShopTest).wasSuccessful())
        self.assertEqual((self.recorded(), self.marks()), (["one", "two"], 1))
        ShopTest.fails = False
        self.assertTrue(run_class(ShopTest).wasSuccessful())
        self.assertEqual((self.recorded(), self.marks(), self.hits), (["one", "two"], 0, ["one", "two"]))

    def test_a_failure_before_the_block_or_caught_in_it_is_not_its_own(self) -> None:
        outer = self

        class ShopTest(unittest.TestCase):
            def test(self) -> None:
                with self.subTest("before"):
                    self.fail("on purpose")
                with use_cassette(outer.path), self.assertRaises(ZeroDivisionError):
                    outer.get("one")
                    raise ZeroDivisionError

        run_test(ShopTest("test"))
        self.assertEqual(self.marks(), 0)


if __name__ == "__main__":
    unittest.main()
