"""The benchmarks work and give every figure; how costs grow is tested here by counting operations, never by a clock."""

from __future__ import annotations

import contextlib
import io
import json
import os
import subprocess
import sys
import tempfile
import unittest
import xml.etree.ElementTree
from pathlib import Path
from typing import Any
from unittest import mock

from benchmarks import harness, plot, promises, report, run, samples, workloads
from benchmarks.harness import Bench, Cell, Options, Table
from benchmarks.tools import Tool
from tests import test_conformance
from tests.secrets_table import PLANTED

ROOT = Path(__file__).resolve().parent.parent


class QuickBench(Bench):
    """Takes its samples in this process, which a benchmark must not, but a test may."""

    def sample(self, tool: Tool, kind: str, /, **options: object) -> samples.Sample | None:
        return samples.SAMPLES[kind](tool, **options)

    def beside(
        self, tool: Tool, kind: str, options: dict[str, Any], reference: Tool, its_options: dict[str, Any]
    ) -> samples.Sample | None:
        sample = self.sample(tool, kind, **options)
        floor = sample if tool is reference else self.sample(reference, kind, **its_options)
        assert sample
        assert floor
        return sample | {f"floor_{name}": value for name, value in floor.items()}

    def run(self, statement: str) -> samples.Sample:
        return {"ms": 1.0, "wall_ms": 1.0}


def tables_of(*names: str) -> list[Table]:
    with (
        contextlib.redirect_stderr(io.StringIO()),
        mock.patch.dict(os.environ, CI="false"),  # the processes that a Bench starts never see it
        QuickBench(Options(["cassettes_lib"], [3, 12], [4], rounds=2, requests=5, kills=1)) as bench,
    ):
        return [table for name in names for table in workloads.WORKLOADS[name](bench)]


class WorkloadsTest(unittest.TestCase):
    def columns(self, table: Table, row: str = "cassettes_lib") -> list[str]:
        return [column for its_row, column in table.cells if its_row == row]

    def test_replay_gives_a_figure_per_size_and_order_beside_the_floor(self) -> None:
        (table,) = tables_of("replay")
        expected = ["3 recorded", "3 reversed", "12 recorded", "12 reversed"]
        self.assertEqual(self.columns(table), expected)
        self.assertEqual(self.columns(table, "null"), expected)
        self.assertEqual(set(table.limits), set(expected))
        self.assertEqual([table.cells["null", column].ratio for column in expected], [1.0] * 4)

    def test_post_and_binary_bodies_are_replayed(self) -> None:
        post, binary = tables_of("post", "binary")
        self.assertEqual(self.columns(post), ["recorded", "reversed"])
        self.assertEqual(binary.cells["live", "recorded"].ratio, 1.0)

    def test_opening_is_compared_with_json_loads_of_the_same_file(self) -> None:
        time, memory = tables_of("open")
        self.assertEqual(time.rows, ["cassettes_lib"])
        self.assertEqual(memory.rows, ["cassettes_lib", "json.loads of cassettes_lib"])

    def test_recording_is_compared_with_plain_traffic_and_saving_with_a_small_cassette(self) -> None:
        cpu, wall, save = tables_of("record", "save")
        self.assertEqual([self.columns(table) for table in (cpu, wall)], [["4"], ["4"]])
        self.assertEqual(self.columns(save), ["1", "3", "12"])
        self.assertEqual(save.cells["cassettes_lib", "1"].ratio, 1.0)

    def test_imports_threads_and_blocks_have_their_references(self) -> None:
        imports, threads, block = tables_of("import", "threads", "block")
        self.assertEqual(imports.rows, [workloads.DEPENDENCIES, "cassettes_lib"])
        self.assertEqual((threads.rows, self.columns(threads)), (["null", "cassettes_lib"], ["8 threads"]))
        self.assertNotEqual(threads.cells["null", "8 threads"].ratio, 1.0)  # it is compared with itself by one thread
        self.assertEqual(block.rows, ["cassettes_lib", "json.loads"])

    def test_redaction_is_compared_with_none(self) -> None:
        (table,) = tables_of("redaction")
        self.assertEqual(table.rows, ["cassettes_lib-bare", "cassettes_lib"])
        self.assertEqual(len(table.columns), 4)

    def test_what_a_kill_left_is_counted_among_what_had_returned(self) -> None:
        (kept, opened) = tables_of("crash")
        self.assertEqual(kept.cells["cassettes_lib", "SIGKILL"].ratio, 1.0)
        self.assertEqual(opened.cells["cassettes_lib", "SIGKILL"], Cell(1.0, 1.0))

    def test_observations_and_secrets_are_counted(self) -> None:
        rows = [row for row in test_conformance.ROWS if row.name in ("status_code", "links", "bearer")]
        with (
            mock.patch("tests.conformance_world.ROWS", rows), mock.patch("tests.secrets_table.PLANTED", PLANTED[:5]),
            mock.patch("tests.secrets_more.MORE_PLANTED", ()),
        ):
            equal, left = tables_of("fidelity", "secrets")
        self.assertEqual(equal.cells["cassettes_lib", "fidelity"], Cell(2.0, 2 / 3))  # one of them shows its token
        self.assertEqual(left.cells["cassettes_lib", "secrets"], Cell(0.0, 0.0))

    def test_a_secret_that_stands_on_a_cassette_is_found(self) -> None:
        with (
            mock.patch("tests.secrets_table.PLANTED", PLANTED[:5]), mock.patch("tests.secrets_more.MORE_PLANTED", ()),
            tempfile.TemporaryDirectory() as folder,
        ):
            found = promises.secrets(samples.BARE, f"{folder}/bare.json")
        self.assertEqual(found, {"left": 5, "stored": 5})

    def test_a_wrong_answer_is_no_figure(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            path = f"{folder}/c.json"
            samples.build(samples.OURS, path, "http://127.0.0.1:1", "item", 2)
            text = Path(path).read_text(encoding="utf-8")
            Path(path).write_text(text.replace("Widget 000001", "Widget 100001"), encoding="utf-8")
            with self.assertRaises(AssertionError):
                samples.replay(samples.OURS, path, "http://127.0.0.1:1", "item", 2, "recorded", 10)


class HarnessTest(unittest.TestCase):
    def test_ratios_are_medians_of_the_ratios_within_a_round(self) -> None:
        ours, theirs = [{"us": 2.0}, {"us": 9.0}, {"us": 30.0}], [{"us": 1.0}, {"us": 3.0}, {"us": 20.0}]
        results = harness.Results({("a", "x"): ours, ("b", "x"): theirs})
        table = results.fill(Table("", "us", "b"), "us", lambda row, column: ("b", column), hide=["b"])
        self.assertEqual(table.cells, {("a", "x"): Cell(9.0, 2.0)})

    def test_rounds_alternate_their_order_and_leave_out_what_failed(self) -> None:
        taken = []

        def case(name: str, sample: samples.Sample | None) -> harness.Case:
            def take() -> samples.Sample | None:
                taken.append(name)
                return sample

            return harness.Case(name, "x", take)

        with contextlib.redirect_stderr(io.StringIO()), Bench(Options([], rounds=2)) as bench:
            results = bench.rounds("test", [case("a", {"us": 1.0}), case("b", None), case("c", {"us": 2.0})])
        self.assertEqual(taken, ["a", "b", "c", "c", "a"])
        self.assertEqual(list(results), [("a", "x"), ("c", "x")])

    def test_a_tool_that_is_not_installed_is_left_out_and_named(self) -> None:
        missing = mock.patch.object(samples.MEASURED["betamax"], "module", "no_such_module")
        with missing, contextlib.redirect_stderr(io.StringIO()), Bench(Options(["betamax"])) as bench:
            self.assertEqual(bench.tools, [])
            self.assertIn("betamax: No module named", bench.skipped[0])

    def test_a_sample_that_fails_is_left_out_and_says_why(self) -> None:
        with contextlib.redirect_stderr(io.StringIO()), Bench(Options([])) as bench:
            self.assertIsNone(bench.sample(samples.OURS, "read", path="/nonexistent", blocks=1))
            self.assertIn("FileNotFoundError", bench.skipped[0])


    def test_two_processes_take_turns_within_a_sample(self) -> None:
        with (
            contextlib.redirect_stderr(io.StringIO()), mock.patch.dict(os.environ, CI="false"),
            Bench(Options(["cassettes_lib"])) as bench,
        ):
            options: list[dict[str, Any]] = []
            turns: list[tuple[harness._Turns, bool]] = []
            take = harness._Turns.take
            for tool in (samples.OURS, samples.NULL):
                path = bench.cassette(tool, "item", 105)
                options.append({"path": path, "base": bench.base, "content": "item", "count": 105, "order": "reversed",
                                "at_most": 105})

            def noted(process: harness._Turns) -> None:
                turns.append((process, process.goes_on))
                take(process)

            with mock.patch.object(harness._Turns, "take", noted):
                sample = bench.beside(samples.OURS, "replay", options[0], samples.NULL, options[1])
            self.assertEqual([goes_on for _, goes_on in turns], [True] * 6)  # three of 50, 50 and 3
            self.assertEqual(len({process for process, _ in turns[:2]}), 2)
            assert sample
            self.assertEqual((sample["requests"], sample["floor_requests"]), (105, 105))
            self.assertGreater(sample["us"], 0)
            self.assertGreater(sample["floor_us"], 0)
            options[0].update(count=106, at_most=106)
            self.assertIsNone(bench.beside(samples.OURS, "replay", options[0], samples.NULL, options[1]))
            self.assertIn("cassettes_lib, replay: ", bench.skipped[0])


class ReportTest(unittest.TestCase):
    def setUp(self) -> None:
        cells = {("null", "10 recorded"): Cell(150.0, 1.0), ("cassettes_lib", "10 recorded"): Cell(300.0, 2.0),
                 ("null", "1,000 recorded"): Cell(150.0, 1.0), ("cassettes_lib", "1,000 recorded"): Cell(210.0, 1.4)}
        self.table = Table("Replay", "us", "null", {"10 recorded": 1.7, "1,000 recorded": 1.7}, cells)

    def test_text_has_the_value_and_the_ratio(self) -> None:
        self.assertIn("300 (2.00x)", report.table_text(self.table))

    def test_the_summary_tells_what_is_over_its_limit(self) -> None:
        over, within = report.summary([self.table]).splitlines()[1:]
        self.assertTrue(over.endswith("OVER"), over)
        self.assertTrue(within.endswith("within"), within)

    def test_the_plot_has_a_line_and_a_label_per_tool(self) -> None:
        picture = xml.etree.ElementTree.fromstring(plot.draw(plot.lines_of(self.table)))
        namespace = "{http://www.w3.org/2000/svg}"
        self.assertEqual(len(picture.findall(f"{namespace}polyline")), 2)
        texts = [text.text for text in picture.findall(f"{namespace}text")]
        self.assertIn("cassettes_lib 1.4x", texts)
        self.assertIn("1,000", texts)

    def test_nothing_to_plot_is_said(self) -> None:
        with self.assertRaisesRegex(ValueError, "nothing to draw"):
            plot.draw({})


class CommandTest(unittest.TestCase):
    def test_the_command_prints_and_writes_what_it_measured(self) -> None:
        with (
            tempfile.TemporaryDirectory() as folder, mock.patch.object(run, "Bench", QuickBench),
            mock.patch.dict(os.environ, CI="false"), contextlib.redirect_stderr(io.StringIO()),
            contextlib.redirect_stdout(io.StringIO()) as said,
        ):
            code = run.main(
                ["--tools", "cassettes_lib", "--workloads", "replay,block", "--sizes", "3", "--rounds", "1",
                 "--json", f"{folder}/out.json", "--plot", f"{folder}/out.svg"]
            )
            document = json.loads(Path(folder, "out.json").read_text(encoding="utf-8"))
            xml.etree.ElementTree.parse(f"{folder}/out.svg")
        self.assertEqual(code, 0)
        self.assertIn("cassettes_lib", said.getvalue())
        self.assertEqual([table["title"][:6] for table in document["tables"]], ["Replay", "Enteri"])
        self.assertEqual({cell["tool"] for cell in document["tables"][0]["cells"]}, {"null", "live", "cassettes_lib"})
        self.assertEqual(document["skipped"], [])

    def test_it_is_a_script_that_takes_its_samples_in_processes_of_their_own(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            done = subprocess.run(
                [sys.executable, "benchmarks/run.py", "--tools", "cassettes_lib", "--workloads", "block",
                 "--rounds", "1", "--json", f"{folder}/out.json"],
                cwd=ROOT, capture_output=True, text=True, check=False,
            )
            self.assertEqual(done.returncode, 0, done.stderr)
            document = json.loads(Path(folder, "out.json").read_text(encoding="utf-8"))
        self.assertIn("cassettes_lib", done.stdout)
        self.assertEqual({cell["tool"] for cell in document["tables"][0]["cells"]}, {"cassettes_lib", "json.loads"})
        self.assertEqual(document["skipped"], [])

    def test_an_unknown_tool_or_workload_is_named(self) -> None:
        for option in ("--tools", "--workloads"):
            with self.subTest(option), contextlib.redirect_stderr(io.StringIO()) as said:
                with self.assertRaises(SystemExit):
                    run.main([option, "nonsense"])
                self.assertIn("nonsense", said.getvalue())


if __name__ == "__main__":
    unittest.main()
