"""The tape: the last interactions, as a note on the exception that leaves a block."""

from __future__ import annotations

import threading
import traceback
import unittest

from cassettes_lib.models import InteractionFailure
from cassettes_lib.tape import Tape, TapeEntry
from tests.support import URL, a_request, a_response


class TapeTest(unittest.TestCase):
    def test_its_text(self) -> None:
        tape = Tape("cassettes/orders.json")
        tape.add(a_request("POST"), "replayed", a_response(status=201))
        tape.add(a_request(url=f"{URL}/{'x' * 90}"), "live", a_response(status=404))
        tape.add(a_request(), "recorded", InteractionFailure(error="requests.exceptions.ConnectTimeout"))
        tape.add(a_request(url=f"{URL}?\x1b[2J"), "missed")
        self.assertEqual(tape.note(), f"""\
cassettes_lib tape, all of 4 on cassettes/orders.json:
  replayed  201  POST https://api.example.com/orders
  live      404  GET https://api.example.com/orders/{'x' * 25}...
  recorded  ConnectTimeout  GET https://api.example.com/orders
  MISSED    ---  GET https://api.example.com/orders?\\x1b[2J""")

    def test_it_holds_the_last_ones_and_counts_all(self) -> None:
        tape = Tape(length=2)
        for number in range(1_234):
            tape.add(a_request(url=f"http://h/{number}"), "replayed", a_response())
        self.assertEqual([entry.url for entry in tape.entries], ["http://h/1232", "http://h/1233"])
        self.assertEqual(tape.entries[0], TapeEntry("GET", "http://h/1232", "200", "replayed"))
        first_line = tape.note().split("\n")[0]
        self.assertEqual(first_line, "cassettes_lib tape, the last 2 of 1,234 on a cassette without a name:")

    def test_an_exception_gets_one_note_however_many_blocks_it_leaves(self) -> None:
        inner, outer = Tape("inner.json"), Tape("outer.json")
        for tape in (inner, outer):
            tape.add(a_request(), "replayed", a_response())
        error = ValueError("mine")
        error.add_note("another note")
        for tape in (inner, inner, outer):
            tape.note_on(error)
        self.assertEqual(error.__notes__, ["another note", inner.note()])
        self.assertIn("of 1 on inner.json:\n  replayed  200  GET", "".join(traceback.format_exception(error)))

    def test_an_empty_tape_and_one_that_is_switched_off_add_no_note(self) -> None:
        off = Tape("c.json", length=0)
        off.add(a_request(), "missed")
        error = ValueError()
        for tape in (Tape(), off):
            self.assertEqual(tape.note(), "")
            tape.note_on(error)
        self.assertEqual(getattr(error, "__notes__", []), [])

    def test_threads_may_share_it(self) -> None:
        tape, request = Tape(length=2_000), a_request()
        start = threading.Barrier(8)

        def add() -> None:
            start.wait()
            for number in range(250):
                tape.add(request, "missed")
                if number < 50 or number % 50 == 0:
                    tape.note()

        threads = [threading.Thread(target=add) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertIn("all of 2,000 on", tape.note())


if __name__ == "__main__":
    unittest.main()
