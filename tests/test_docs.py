"""The docs: their code runs twice, the second time offline; their commands parse; every public name is explained."""

from __future__ import annotations

import argparse
import ast
import contextlib
import importlib.util
import inspect
import io
import pydoc
import re
import shlex
import subprocess
import sys
import textwrap
import unittest
from pathlib import Path
from typing import Any

import cassettes_lib
from cassettes_lib.cli import make_parser
from tests.support_blocks import BlocksTestCase, blocks, no_service, the_service

DOCS = Path(__file__).parent.parent / "docs"
PACKAGE = Path(cassettes_lib.__file__).parent
PAGES = [DOCS / "tutorial.rst", DOCS / "matching.rst", *sorted((DOCS / "howto").glob("*.rst"))]

RECORDS = sorted(set((DOCS / "adr").glob("*.rst")) - {DOCS / "adr" / "index.rst"})
PARTS_OF_A_RECORD = ["Context", "Decision", "Rejected", "Consequence"]


def text_of(page: Path) -> str:
    return page.read_text(encoding="utf-8")


class CodeOfPagesTest(BlocksTestCase):
    def run_code(self, name: str, code: str) -> None:
        if "import pytest" not in code:
            self.run_block(name, code)
            return
        import pytest

        path = Path(f"test_{name}.py").resolve()
        path.write_text(code, encoding="utf-8")
        self.addCleanup(sys.modules.pop, path.stem, None)
        with contextlib.redirect_stdout(io.StringIO()) as output:
            code_of_exit = pytest.main(["-q", "-p", "no:cacheprovider", "--rootdir", ".", str(path)])
        self.assertEqual(code_of_exit, 0, output.getvalue())

    def run_page(self, page: Path) -> int:
        """Run the blocks of a page in its folder; return how many could be run here."""
        count = 0
        for number, code in enumerate(blocks(text_of(page), "python")):
            if "import django" in code and importlib.util.find_spec("django") is None:
                continue
            with self.subTest(page=page.name, code=code.splitlines()[:8]):
                self.run_code(f"{page.stem}_{number}", code)
            count += 1
        return count

    def test_every_block_records_and_then_replays_offline(self) -> None:
        for page in PAGES:
            Path(page.stem).mkdir()
            with contextlib.chdir(page.stem):
                with the_service() as service:
                    count = self.run_page(page)
                    if count:
                        self.assertGreater(len(service.calls), 0, page.name)
                with no_service():
                    self.run_page(page)


class CommandsInPagesTest(unittest.TestCase):
    def test_every_cassettes_command_parses(self) -> None:
        commands = []
        for page in sorted(DOCS.rglob("*.rst")):
            for block in blocks(text_of(page), "console"):
                commands += re.findall(r"(?m)^(?:\S+/)?cassettes (.*?)(?:\s+#.*)?$", block)
            commands += re.findall(r"``cassettes (\w+ [^`]*cassettes[^`]*)``", text_of(page))
        self.assertGreater(len(commands), 5)
        for command in commands:
            with self.subTest(command):
                make_parser().parse_args(shlex.split(command))


class ReferenceTest(unittest.TestCase):
    """The pages to look things up in leave nothing out."""

    def test_the_pages_for_learning_doing_looking_up_and_understanding_are_there(self) -> None:
        pages = {str(page.relative_to(DOCS).with_suffix("")) for page in DOCS.rglob("*.rst")}
        guides = (
            "logins", "polling", "streaming", "uploads", "threads", "rerecording", "reviewing", "pytest", "django",
        )
        self.assertLessEqual({f"howto/{name}" for name in guides}, pages)
        self.assertLessEqual({"tutorial", "api", "file-format", "errors", "cli", "environment", "migration"}, pages)
        self.assertLessEqual({"broker-and-ports", "exact", "threat-model"}, pages)
        decisions = (
            "store-port", "matchers-are-keys", "repeats-as-queues", "where-we-patch", "who-owns-a-thread",
            "redaction-on-both-sides", "file-format", "append-and-recovery", "incomplete", "response-from-wire-form",
            "dependencies", "python-versions",
        )
        self.assertLessEqual({f"adr/{name}" for name in decisions}, pages)

    def test_the_tree_of_errors_and_the_advice_name_every_error(self) -> None:
        tree, _, advice = text_of(DOCS / "errors.rst").partition("What to do\n")
        for name in cassettes_lib.__all__:
            if name.endswith("Error"):
                self.assertRegex(tree, rf"\b{name}\b")
                if name not in ("CassetteError",):
                    self.assertIn(f"``{name}``\n", advice)

    def test_every_option_of_every_command_is_on_its_page(self) -> None:
        page = text_of(DOCS / "cli.rst")
        (commands,) = [
            action.choices for action in make_parser()._actions if isinstance(action, argparse._SubParsersAction)
        ]
        for name, command in commands.items():
            usage = re.search(rf"(?m)^   cassettes {name} (.*)$", page)
            assert usage is not None, name
            for action in command._actions:
                if action.option_strings and action.dest not in ("help", "json"):
                    self.assertTrue(any(each in usage[1] for each in action.option_strings), action.option_strings)

    def test_every_variable_of_the_environment_is_on_its_page(self) -> None:
        page = text_of(DOCS / "environment.rst")
        for source in PACKAGE.rglob("*.py"):
            for name in re.findall(r'environ\.get\("(\w+)"|_VARIABLE = "(\w+)"', source.read_text(encoding="utf-8")):
                if not {"PYTEST_CURRENT_TEST", "HOME", "NETRC"} & set(name):  # those of pytest, the system and requests
                    self.assertRegex(page, rf"(?m)^{''.join(name)} ")

    def test_every_record_of_a_decision_fits_on_a_screen(self) -> None:
        for record in RECORDS:
            with self.subTest(record.name):
                self.assertLess(len(text_of(record).splitlines()), 60)

    def test_every_record_of_a_decision_has_the_same_form(self) -> None:
        self.assertGreater(len(RECORDS), 12)
        for record in RECORDS:
            with self.subTest(record.name):
                parts = [line for line in text_of(record).splitlines() if line in PARTS_OF_A_RECORD]
                self.assertEqual(parts, PARTS_OF_A_RECORD)


class PublicNamesTest(unittest.TestCase):
    def test_every_public_name_is_in_the_reference(self) -> None:
        page = text_of(DOCS / "api.rst")
        named = re.findall(r"(?m)^\.\. (?:auto\w+|data):: (\w+)$", page)
        self.assertEqual(sorted(named), sorted(cassettes_lib.__all__))

    def test_help_begins_with_a_tour_of_the_public_names(self) -> None:
        tour = inspect.getdoc(cassettes_lib) or ""
        errors = {name for name in cassettes_lib.__all__ if name.endswith("Error")} - {"CassetteError"}
        for name in set(cassettes_lib.__all__) - errors - {"__version__"}:
            self.assertRegex(tour, rf"`{name}`")
        tree = inspect.getdoc(cassettes_lib.errors) or ""
        for name in errors:
            self.assertIn(name, tree)

    def test_what_a_prompt_completes_is_public(self) -> None:
        code = "import cassettes_lib; print(*dir(cassettes_lib))"
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
        offered = {name for name in done.stdout.split() if not re.fullmatch(r"__\w+__", name)}
        self.assertEqual(offered, set(cassettes_lib.__all__) - {"__version__"} | {"_version"})

    def test_type_checkers_and_python_import_each_name_from_where_it_is_defined(self) -> None:
        tree = ast.parse((PACKAGE / "__init__.py").read_text(encoding="utf-8"))
        checked = {
            alias.name: node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)
            for alias in node.names if node.module and node.module.startswith("cassettes_lib.")
        }
        self.assertEqual(set(checked), set(cassettes_lib.__all__))
        for name in set(cassettes_lib.__all__) - {"__version__"}:
            self.assertEqual(getattr(cassettes_lib, name).__module__, checked[name], name)
            self.assertEqual(f"cassettes_lib.{cassettes_lib._home_of[name]}", checked[name], name)

    def test_a_star_import_gives_all_public_names_and_no_others(self) -> None:
        names: dict[str, Any] = {}
        exec("from cassettes_lib import *", names)
        self.assertEqual(set(names) - {"__builtins__"}, set(cassettes_lib.__all__))

    def test_help_is_about_what_is_public(self) -> None:
        page = pydoc.plain(pydoc.render_doc(cassettes_lib))
        for name in set(cassettes_lib.__all__) - {"__version__"}:
            self.assertRegex(page, rf"(?m)^    (class )?{name}\(")
        self.assertNotRegex(page, r"(?m)^    __(getattr|dir)__")

    def test_an_unknown_name_is_an_attribute_error(self) -> None:
        with self.assertRaisesRegex(AttributeError, "^module 'cassettes_lib' has no attribute 'use_casette'"):
            print(cassettes_lib.use_casette)  # type: ignore[attr-defined]

    def test_every_public_name_has_a_docstring_with_its_arguments(self) -> None:
        for name in cassettes_lib.__all__:
            value = getattr(cassettes_lib, name)
            if isinstance(value, str):
                continue
            with self.subTest(name):
                self.assertTrue(value.__dict__.get("__doc__") if isinstance(value, type) else value.__doc__)
                for what, function in public_functions(value):
                    self.assert_documented(f"{name}.{what}", function, inspect.getdoc(value) or "")

    def test_what_is_called_by_hand_has_an_example_that_is_python(self) -> None:
        for name in ("use_cassette", "CassetteTestCase", "CassetteAdapter", "Redactor", "ignoring", "url", "body",
                     "header", "headers", "Broker", "JsonFileCassetteStore", "BufferedCassetteStore",
                     "FsspecCassetteStore", "CassetteStoreContract"):
            with self.subTest(name):
                doc = f"{inspect.getdoc(getattr(cassettes_lib, name))}\n"
                example = re.search(r"(?m)^Example:\n((?:    .*\n|\n)+)", doc)
                assert example is not None
                ast.parse(re.sub(r"(?m)^(>>> |\.\.\. )", "", textwrap.dedent(example[1])))

    def assert_documented(self, name: str, function: Any, doc_of_class: str) -> None:
        doc = inspect.getdoc(function) or ""
        in_class = name.endswith(".__init__") and not doc
        doc = doc_of_class if in_class else doc
        self.assertTrue(doc, f"{name} has no docstring")
        keywords = [
            parameter.name for parameter in inspect.signature(function).parameters.values()
            if parameter.kind is inspect.Parameter.KEYWORD_ONLY
        ]
        for keyword in keywords:
            mentioned = re.search(rf"(?m)^\s*{keyword}: |`{keyword}[`=]", doc + doc_of_class)
            self.assertTrue(mentioned, f"the docstring of {name} does not explain {keyword}")
        for error in raised_in(function):
            self.assertIn(f"{error}:", doc, f"the docstring of {name} does not say that it raises {error}")


def public_functions(value: Any) -> list[tuple[str, Any]]:
    """Return the functions of a public name that users call, with their names."""
    if not isinstance(value, type):
        return [("()", value)]
    return [
        (name, function) for name, function in vars(value).items()
        if inspect.isfunction(function) and function.__module__.startswith("cassettes_lib.")
        and (name == "__init__" or not name.startswith(("_", "test_")))
    ]


def raised_in(function: Any) -> set[str]:
    """Return the names of the exceptions that the code of a function raises itself."""
    return set(re.findall(r"(?m)^\s+raise (\w+Error)\(", inspect.getsource(inspect.unwrap(function))))


if __name__ == "__main__":
    unittest.main()
