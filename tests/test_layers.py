"""The architecture: imports point one way, the core knows no transport, and importing the library stays light."""

from __future__ import annotations

import ast
import functools
import importlib.metadata
import re
import subprocess
import sys
import unittest
from collections.abc import Iterator
from pathlib import Path

import cassettes_lib

PACKAGE = Path(cassettes_lib.__file__).parent

# Each module may import those above it, and those it shares a line with.
LAYERS = (
    ("_version", "keywords", "late_patterns", "circumstances", "columns"),
    ("moments", "undisturbed"),
    ("decoders", "fastjson", "zlib_settings", "locks"),
    ("bodies", "header_pairs", "jsontext", "remote_urls"),
    ("codings",),
    ("errors", "models"),
    ("formaterrors",),
    ("entrycheck", "json_bodies", "layout"),
    ("large_bodies", "unread"),
    ("fileformat",),
    ("recovery",),
    ("jsonpath", "matching_urls", "media"),
    ("ignore_rules", "matching_bodies", "matching_texts", "own_keys"),
    ("matching",),
    ("playback",),
    ("likeness",),
    ("differences", "relaxing"),
    ("tape",),
    ("misses",),
    ("any_of", "json_places", "replacements", "secret_names", "shape_table"),
    ("base64_runs", "secret_shapes", "taint"),
    ("clean_pieces",),
    ("placeholders", "redaction_rules", "redaction_review", "telling_paths"),
    ("redaction_memory",),
    ("redaction_scrub",),
    ("redaction_urls",),
    ("redaction_headers",),
    ("redaction_finds", "redaction_tables"),
    ("redaction_text",),
    ("redaction_bodies", "redaction_boundaries"),
    ("redaction_outline", "redaction_pass", "redaction_screen", "redaction_standin"),
    ("redaction",),
    ("redaction_summary",),
    ("stand_ins", "recorded"),
    ("broker",),
    ("buffering", "files"),
    ("filestate",),
    ("bases", "merging"),
    ("saving",),
    ("stores", "remote_store"),
    # ------------------ above: no requests, no urllib3, no patching; only the modules of the stores touch a disk
    ("framing", "cookies_time", "failures", "heads", "uploads"),
    ("streams", "retrying"),
    ("conversion",),
    ("patches", "read_responses"),
    ("adapter",),
    ("callers",),
    ("ownership",),
    ("carriers", "guard", "neighbours", "passthrough", "transports"),
    ("lookups", "sockets"),
    ("patch_points",),
    ("forks",),
    ("interception",),
    ("modes", "verdicts", "cassette_paths", "cassettes_used"),
    ("options", "run_summary"),
    ("plans", "session_broker"),
    ("session",),
    ("decorating",),
    ("recording",),
    ("requested", "store_contract"),
    ("testcase",),
    ("importers", "exporters"),
    ("cli_output", "cli_files", "cli_redaction", "cli_text"),
    ("cli_convert", "cli_show", "cli_check", "cli_diff", "cli_edit"),
    ("cli",),
    ("__main__",),
    ("__init__",),
)
CORE = LAYERS[: LAYERS.index(("stores", "remote_store")) + 1]
TRANSPORT = {"requests", "urllib3", "http", "socket", "ssl"}
DISK = {"pathlib", "tempfile", "shutil", "io", "filelock", "fcntl"}
# What `os` offers that is no disk.
DISKLESS_OS = {"PathLike", "environ", "fspath", "getpid", "register_at_fork"}
STORES = {"locks", "files", "filestate", "recovery", "saving", "stores", "remote_store"}
DEPENDENCIES = {"pydantic", "requests", "filelock"}


@functools.cache
def modules() -> list[tuple[str, ast.Module]]:
    return [
        (path.relative_to(PACKAGE).parts[0].removesuffix(".py"), ast.parse(path.read_text(encoding="utf-8")))
        for path in sorted(PACKAGE.rglob("*.py"))
    ]


def imported(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module == "cassettes_lib":
            submodules = {alias.name for alias in node.names if (PACKAGE / f"{alias.name}.py").exists()}
            yield from (f"cassettes_lib.{name}" for name in submodules)
            if len(submodules) < len(node.names):
                yield node.module
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module


def uses_of_os(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "os":
            yield node.attr


def level(module: str) -> int:
    return next(index for index, names in enumerate(LAYERS) if module in names)


def installed_top_levels(distribution: str) -> Iterator[str]:
    """The modules of all that a distribution requires."""
    for requirement in importlib.metadata.requires(distribution) or ():
        name = re.match(r"[\w.-]+", requirement)
        if name and "extra ==" not in requirement:
            yield name[0].replace("-", "_")
            yield from installed_top_levels(name[0])


class LayersTest(unittest.TestCase):
    def printed(self, code: str) -> list[str]:
        return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()

    def test_every_module_has_its_place(self) -> None:
        placed = {name for names in LAYERS for name in names}
        self.assertEqual([name for name, _ in modules() if name not in placed], [])

    def test_every_module_says_first_what_it_is_for_and_can_be_read_at_one_sitting(self) -> None:
        for path in sorted(PACKAGE.rglob("*.py")):
            lines = path.read_text(encoding="utf-8").splitlines()
            with self.subTest(path.relative_to(PACKAGE)):
                self.assertRegex(lines[0], r'^"""\S.{20,}[.:]("""|$)')
                self.assertLess(len(lines), 420)

    def test_no_module_hides_a_public_name(self) -> None:
        self.assertEqual({name for name, _ in modules()} & set(cassettes_lib.__all__), set())

    def test_imports_point_one_way(self) -> None:
        wrong = [
            f"{name} imports {module}"
            for name, tree in modules()
            for module in imported(tree)
            if module.startswith("cassettes_lib.") and level(module.split(".")[1]) > level(name)
        ]
        self.assertEqual(wrong, [])

    def test_nobody_imports_the_package_root(self) -> None:
        self.assertEqual([name for name, tree in modules() if "cassettes_lib" in imported(tree)], [])

    def test_the_core_knows_no_transport_and_only_stores_touch_a_disk(self) -> None:
        core = {name for names in CORE for name in names}
        for name, tree in modules():
            if name in core:
                roots = {module.split(".")[0] for module in imported(tree)}
                calls = {n.func.id for n in ast.walk(tree) if isinstance(n, ast.Call) and isinstance(n.func, ast.Name)}
                with self.subTest(name):
                    self.assertEqual(roots & TRANSPORT, set())
                    if name not in STORES:
                        self.assertEqual(roots & DISK, set())
                        self.assertNotIn("open", calls)
                        self.assertEqual(set(uses_of_os(tree)) - DISKLESS_OS, set())

    def test_importing_the_library_imports_nothing_beyond_its_dependencies(self) -> None:
        code = (
            "import sys, requests, pydantic; before = set(sys.modules); "
            "from cassettes_lib import use_cassette; print(*set(sys.modules) - before)"
        )
        found = {name.split(".")[0] for name in self.printed(code) if not name.startswith("_")}
        brought = DEPENDENCIES | {name for each in DEPENDENCIES for name in installed_top_levels(each)}
        self.assertEqual(found - set(sys.stdlib_module_names) - brought, {"cassettes_lib"})

    def test_what_is_not_needed_at_once_is_not_imported(self) -> None:
        loaded = self.printed("import sys; from cassettes_lib import use_cassette; print(*sys.modules)")
        heavy = {"unittest", "filelock", "yaml", "rich", "argparse", "hypothesis", "responses", "fsspec"}
        self.assertEqual(heavy & set(loaded), set())

    def test_a_block_that_goes_well_does_without_what_is_for_rare_cases(self) -> None:
        code = (
            "import sys, tempfile, requests, pydantic.fields; before = set(sys.modules); "
            "from cassettes_lib import use_cassette; path = tempfile.mkdtemp() + '/new.json'\n"
            "with use_cassette(path, mode='record'): pass\n"
            "print(*set(sys.modules) - before)"
        )
        late = {"misses", "differences", "relaxing", "likeness", "recovery", "remote_store", "own_keys", "decorating"}
        stdlib = {"difflib", "html", "shlex", "ctypes"}
        rare = {f"cassettes_lib.{name}" for name in late} | stdlib | {"pydantic.plugin._loader"}
        self.assertEqual(rare & set(self.printed(code)), set())


if __name__ == "__main__":
    unittest.main()
