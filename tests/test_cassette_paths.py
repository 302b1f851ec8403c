"""Default paths: beside the source, the same in each run, safe on every file system, never shared by accident."""

from __future__ import annotations

import functools
import gc
import subprocess
import sys
import types
import unicodedata
import unittest
from pathlib import Path
from typing import Any
from unittest import mock

from hypothesis import given
from hypothesis import strategies as st

from cassettes_lib import CassetteError
from cassettes_lib.cassette_paths import path_named, path_of_function, path_of_test, safe_name
from tests.support import with_environment

HERE = Path(__file__).resolve().parent
RESERVED = ("con", "PRN", "Aux", "nul", "COM1", "lpt9")


class ShopTest(unittest.TestCase):
    def test_list(self) -> None: ...
    def test_List(self) -> None: ...
    def runTest(self) -> None: ...

    class Inner(unittest.TestCase):
        def test(self) -> None: ...


class SHOPTest(unittest.TestCase):
    def test_list(self) -> None: ...


def talk() -> None: ...


class PathsTestCase(unittest.TestCase):
    def setUp(self) -> None:
        with_environment(self, PYTEST_CURRENT_TEST=None)
        patch = mock.patch("cassettes_lib.cassette_paths._claims", {})
        patch.start()
        self.addCleanup(patch.stop)

    def module(self, name: str, file: str | None) -> types.ModuleType:
        """Put a module in place, as an import would."""
        module = types.ModuleType(name)
        if file is not None:
            module.__file__ = file
        patch = mock.patch.dict(sys.modules, {name: module})
        patch.start()
        self.addCleanup(patch.stop)
        return module

    def class_in(self, module: str, name: str, **members: Any) -> type:
        return type(name, (), {"__module__": module, "__qualname__": name, **members})


class DefaultPathTest(PathsTestCase):
    def test_it_lies_beside_the_source_file(self) -> None:
        folder = HERE / "cassettes" / "test_cassette_paths"
        self.assertEqual(path_of_test(ShopTest.Inner, "test"), folder / "ShopTest.Inner.test.json")
        self.assertEqual(path_of_test(ShopTest, "runTest").parent, folder)
        self.assertEqual(path_of_function(talk, ()), folder / "talk.json")

    def test_a_method_belongs_to_the_class_it_is_called_on(self) -> None:
        class Derived(ShopTest.Inner): ...

        name = path_of_function(ShopTest.Inner.test, (Derived("test"),)).name
        self.assertTrue(name.endswith("Derived.test.json"), name)
        self.assertEqual(path_of_function(ShopTest.Inner.test, ()).name, "ShopTest.Inner.test.json")
        self.assertEqual(path_of_function(talk, (Derived("test"),)).name, "talk.json")

    def test_the_module_run_as_a_script_has_the_same_path(self) -> None:
        paths = []
        for name in ("__main__", "tests.test_shop"):
            module = self.module(name, "/shop/tests/test_shop.py")
            module.ShopTest = self.class_in(name, "ShopTest")  # type: ignore[attr-defined]
            paths.append(path_of_test(module.ShopTest, "test_list"))
        self.assertEqual(paths, [Path("/shop/tests/cassettes/test_shop/ShopTest.test_list.json")] * 2)

    def test_tests_in_a_package_itself(self) -> None:
        self.module("shop.tests", "/shop/tests/__init__.py")
        self.assertEqual(path_of_test(self.class_in("shop.tests", "T"), "test"),
                         Path("/shop/tests/cassettes/tests/T.test.json"))

    def test_a_module_without_a_file_uses_the_current_folder(self) -> None:
        self.module("shop.made_up", None)
        self.assertEqual(path_of_test(self.class_in("shop.made_up", "T"), "test"),
                         Path.cwd() / "cassettes" / "made_up" / "T.test.json")

    def test_a_test_made_from_a_decorated_method_has_a_file_of_its_own(self) -> None:
        case = ShopTest.Inner("test")
        case._testMethodName = "test_0_tea"
        self.assertEqual(path_of_function(ShopTest.Inner.test, (case,)).name, "ShopTest.Inner.test_0_tea.json")

    def test_parametrised_runs_under_pytest_have_files_of_their_own(self) -> None:
        with_environment(self, PYTEST_CURRENT_TEST="tests/test_shop.py::talk[2-a b::c] (call)")
        self.assertRegex(path_of_function(talk, ()).name, r"^talk\[2-a-b--c\]-[0-9a-f]{8}\.json$")
        with_environment(self, PYTEST_CURRENT_TEST="tests/test_shop.py::talk[2] (call)")
        self.assertEqual(path_of_function(talk, ()).name, "talk[2].json")
        with_environment(self, PYTEST_CURRENT_TEST="tests/test_shop.py::other[2] (call)")
        self.assertEqual(path_of_function(talk, ()).name, "talk.json")

    def test_a_method_that_a_decorator_takes_away_for_its_variants(self) -> None:
        def test_price(case: unittest.TestCase) -> None: ...

        test_price.__qualname__ = "ShopTest.Inner.test_price"
        case = ShopTest.Inner("test")
        case._testMethodName = "test_price_2_EUR"
        self.assertEqual(path_of_function(test_price, (case,)).name, "ShopTest.Inner.test_price_2_EUR.json")

    def test_a_method_or_function_whose_qualified_name_is_that_of_a_decorators_inside(self) -> None:
        def made_by_a_decorator(*args: object) -> None: ...

        made_by_a_decorator.__name__ = "test"
        with mock.patch.object(ShopTest.Inner, "test", functools.wraps(made_by_a_decorator)(lambda case: None)):
            name = path_of_function(made_by_a_decorator, (ShopTest.Inner("test"),)).name
        self.assertEqual(name, "ShopTest.Inner.test.json")
        made_by_a_decorator.__name__ = "talk"
        with mock.patch.object(sys.modules[__name__], "talk", made_by_a_decorator):
            self.assertEqual(path_of_function(made_by_a_decorator, ()).name, "talk.json")

    def test_a_function_that_is_given_an_object_with_a_method_of_its_name(self) -> None:
        def test(case: unittest.TestCase) -> None: ...

        self.assertNotIn("Inner", path_of_function(test, (ShopTest.Inner("test"),)).name)

    def test_it_does_not_depend_on_the_hash_seed(self) -> None:
        code = "from cassettes_lib.cassette_paths import safe_name; print(safe_name('a/b' * 99))"
        runs = {
            subprocess.run([sys.executable, "-c", code], env={"PYTHONHASHSEED": seed, "PYTHONPATH": str(HERE.parent)},
                           capture_output=True, text=True, check=True, cwd=HERE.parent).stdout
            for seed in ("1", "2")
        }
        self.assertEqual(len(runs), 1)


class SafeNameTest(unittest.TestCase):
    def test_usual_names_are_kept(self) -> None:
        for name in ("ShopTest.test_list", "test_ünï", "talk[2-True]", "Outer.Inner.test"):
            self.assertEqual(safe_name(name), name)

    def test_reserved_names_of_windows_are_changed(self) -> None:
        for name in RESERVED:
            self.assertRegex(safe_name(name), f"^{name}_-[0-9a-f]{{8}}$")
            self.assertRegex(safe_name(f"{name}.test_x"), f"^{name}_.test_x-[0-9a-f]{{8}}$")

    def test_long_names_are_cut_and_stay_apart(self) -> None:
        first, second = safe_name("x" * 300 + "1"), safe_name("x" * 300 + "2")
        self.assertNotEqual(first, second)
        self.assertLess(len(first), 140)
        self.assertLess(len(safe_name("東" * 300).encode()), 140)

    @given(st.text(min_size=1, max_size=200))
    def test_whatever_the_name_it_is_safe_and_stays_apart(self, name: str) -> None:
        safe = safe_name(name)
        self.assertLessEqual(len(f"{safe}.json".encode()), 255)
        self.assertEqual(safe, unicodedata.normalize("NFC", safe))
        self.assertNotRegex(safe, r'[<>:"/\\|?*\x00-\x1f\s]|^\.|[. ]$')
        self.assertNotIn(safe.split(".")[0].lower(), [each.lower() for each in RESERVED])
        self.assertTrue(safe)
        if safe == name:
            return
        self.assertNotEqual(safe, safe_name(name + "x"))


class CaseTest(PathsTestCase):
    def test_names_that_differ_in_case_only_have_files_that_differ_in_more(self) -> None:
        paths = [path_of_test(ShopTest, "test_list"), path_of_test(ShopTest, "test_List"),
                 path_of_test(SHOPTest, "test_list")]
        self.assertEqual(len({str(path).casefold() for path in paths}), 3)


class SharingTest(PathsTestCase):
    def test_one_test_may_come_again(self) -> None:
        self.assertEqual(path_of_test(ShopTest, "runTest"), path_of_test(ShopTest, "runTest"))

    def test_two_classes_of_one_name_are_told(self) -> None:
        self.module("test_shop", "/shop/test_shop.py")
        first = self.class_in("test_shop", "ShopTest")
        second = self.class_in("test_shop", "ShopTest")
        path_of_test(first, "test_list")
        with self.assertRaisesRegex(CassetteError, r"two tests would share the cassette .*ShopTest.test_list"):
            path_of_test(second, "test_list")

    def test_a_class_whose_module_is_imported_anew_replaces_the_earlier_one(self) -> None:
        module = self.module("test_shop", "/shop/test_shop.py")
        first = self.class_in("test_shop", "ShopTest")
        module.ShopTest = first  # type: ignore[attr-defined]
        path_of_test(first, "test_list")
        second = self.class_in("test_shop", "ShopTest")
        module.ShopTest = second  # type: ignore[attr-defined]
        self.assertEqual(path_of_test(second, "test_list"), path_of_test(second, "test_list"))

    def test_a_class_that_is_gone_is_no_obstacle(self) -> None:
        self.module("test_shop", "/shop/test_shop.py")
        path_of_test(self.class_in("test_shop", "ShopTest"), "test_list")
        gc.collect()
        path_of_test(self.class_in("test_shop", "ShopTest"), "test_list")

    def test_modules_that_share_a_folder_of_cassettes_are_told(self) -> None:
        for name in ("test_north", "test_south"):
            self.module(name, f"/shop/{name}.py")
        folder = Path("/shop/recorded")
        path_of_test(self.class_in("test_north", "ShopTest"), "test_list", folder)
        with self.assertRaisesRegex(CassetteError, r"in /shop/test_north.py, and .* in /shop/test_south.py"):
            path_of_test(self.class_in("test_south", "ShopTest"), "test_list", folder)

    def test_names_given_by_hand_are_told_whatever_their_case(self) -> None:
        path_named(ShopTest, "test_list", "orders")
        with self.assertRaisesRegex(CassetteError, "test_list.*and.*test_List"):
            path_named(ShopTest, "test_List", "Orders")


if __name__ == "__main__":
    unittest.main()
