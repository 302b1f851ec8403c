from __future__ import annotations

import copy
import pickle
import unittest
from http import HTTPStatus
from typing import Any

from pydantic import ValidationError

from cassettes_lib.models import (
    Cassette,
    Interaction,
    InteractionRequest,
    InteractionResponse,
    Interactions,
    RecordingMark,
)
from tests.support import a_request, a_response, an_interaction


def numbered(number: int) -> Interaction:
    return an_interaction(a_request(url=f"https://api.example.com/{number}"))


class Unread:
    """Stands for an interaction, and counts how often it is read."""

    method = "GET"

    def __init__(self, number: int) -> None:
        self.number = number
        self.url = f"https://api.example.com/{number}"
        self.reads = 0

    def __call__(self) -> Interaction:
        self.reads += 1
        return numbered(self.number)


class ValuesTest(unittest.TestCase):
    def test_values_never_change(self) -> None:
        for value, name in (
            (a_request(), "url"), (a_response(), "status"), (an_interaction(), "request"), (Cassette(), "interactions"),
        ):
            with self.assertRaises(ValidationError):
                setattr(value, name, None)

    def test_a_change_is_a_changed_copy(self) -> None:
        request = a_request()
        changed = request.model_copy(update={"url": "https://other.example/"})
        self.assertEqual((request.url, changed.url), ("https://api.example.com/orders", "https://other.example/"))

    def test_headers_are_pairs_or_what_stands_in_a_file(self) -> None:
        pairs = (("A", "1"), ("B", "2"), ("B", "3"))
        for headers in (pairs, [list(pair) for pair in pairs], {"A": "1", "B": ["2", "3"]}):
            request = InteractionRequest.model_validate({"method": "GET", "url": "http://a/", "headers": headers})
            self.assertEqual(request.headers, pairs)

    def test_a_header_is_found_whatever_its_case(self) -> None:
        response = a_response(headers=(("Set-Cookie", "a=1"), ("x", "y"), ("SET-COOKIE", "b=2")))
        self.assertEqual(response.header("set-cookie"), "a=1, b=2")
        self.assertIsNone(response.header("z"))

    def test_headers_that_would_smuggle_are_refused(self) -> None:
        for name, value in (("A", "b\r\nC: d"), ("A", "b\n"), ("A", "\0"), ("A\r", "b"), ("A\n", "b")):
            with self.subTest(name=name, value=value), self.assertRaises(ValidationError):
                a_request(headers=((name, value),))
        self.assertEqual(a_request(headers=(("A", "folded\r\n here"),)).header("a"), "folded\r\n here")

    def test_a_status_is_a_number_of_three_digits(self) -> None:
        self.assertEqual(a_response(status=HTTPStatus.OK).status, 200)
        wrong: list[Any] = [99, 1000, -1, "200", 200.0, True, None, "OK"]
        for status in wrong:
            with self.subTest(status), self.assertRaises(ValidationError):
                InteractionResponse(status=status)

    def test_an_interaction_has_a_response_or_a_failure(self) -> None:
        with self.assertRaises(ValidationError):
            Interaction(request=a_request())
        with self.assertRaises(ValidationError):
            Interaction.model_validate({"request": a_request(), "response": a_response(), "failure": {"error": "X"}})

    def test_members_that_nobody_knows_are_kept(self) -> None:
        mark = RecordingMark.model_validate({"session": "a", "host": "b"})
        self.assertEqual(mark.model_extra, {"host": "b"})


class InteractionsTest(unittest.TestCase):
    def test_adding_leaves_the_shorter_one_alone_and_copies_nothing(self) -> None:
        shorter = Interactions([numbered(1)])
        longer = shorter.plus(numbered(2))
        self.assertEqual((len(shorter), len(longer)), (1, 2))
        self.assertTrue(longer.continues(shorter))
        self.assertFalse(shorter.continues(longer))
        self.assertIs(longer.lineage[0], shorter.lineage[0])

    def test_adding_to_a_shorter_one_again_makes_another_line(self) -> None:
        shorter = Interactions([numbered(1)])
        one, other = shorter.plus(numbered(2)), shorter.plus(numbered(3))
        self.assertEqual(list(one), [numbered(1), numbered(2)])
        self.assertEqual(list(other), [numbered(1), numbered(3)])
        self.assertFalse(other.continues(one))
        self.assertFalse(other.continues(shorter))

    def test_equal_ones_are_equal_but_do_not_continue_each_other(self) -> None:
        one, other = Interactions([numbered(1)]), Interactions([numbered(1)])
        self.assertEqual(one, other)
        self.assertEqual(hash(one), hash(other))
        self.assertEqual(one, [numbered(1)])
        self.assertFalse(one.continues(other))
        self.assertNotEqual(one, Interactions())

    def test_it_is_a_sequence(self) -> None:
        three = Interactions([numbered(1), numbered(2), numbered(3)])
        self.assertEqual(three[-1], numbered(3))
        self.assertEqual(three[1:], (numbered(2), numbered(3)))
        self.assertIn(numbered(2), three)
        for index in (3, -4):
            with self.assertRaises(IndexError):
                three[index]

    def test_what_is_unread_is_read_once_when_asked_for(self) -> None:
        unread = [Unread(1), Unread(2)]
        both = Interactions(unread)
        self.assertEqual(both.head_at(1), ("GET", "https://api.example.com/2"))
        self.assertIs(both.unread_at(1), unread[1])
        self.assertEqual((len(both), [each.reads for each in unread]), (2, [0, 0]))
        self.assertEqual((both[1], both[1]), (numbered(2), numbered(2)))
        self.assertIsNone(both.unread_at(1))
        self.assertEqual(both.head_at(1), ("GET", "https://api.example.com/2"))
        self.assertEqual([each.reads for each in unread], [0, 1])

    def test_a_plain_function_may_stand_for_one(self) -> None:
        one = Interactions([lambda: numbered(1)])
        self.assertEqual(one.head_at(0), ("GET", "https://api.example.com/1"))

    def test_rewritten_ones_remember_from_what(self) -> None:
        one = Interactions([numbered(1)])
        other = one.rewritten([numbered(2)])
        self.assertEqual(other.lineage[1:], one.lineage)
        self.assertEqual(other.plus(numbered(3)).lineage, other.lineage)
        self.assertEqual(other.rewritten([numbered(3)]).lineage[1:], other.lineage)
        self.assertEqual(list(other), [numbered(2)])

    def test_copies_are_equal_and_independent(self) -> None:
        cassette = Cassette(interactions=Interactions([Unread(1), numbered(2)]))
        shorter = Cassette(interactions=Interactions(cassette.interactions))
        longer = cassette.plus(numbered(3))
        for each in (cassette, longer, shorter):
            for copied in (copy.deepcopy(each), copy.copy(each), pickle.loads(pickle.dumps(each)),
                each.model_copy(deep=True)):
                self.assertEqual(copied, each)
        self.assertEqual(len(pickle.loads(pickle.dumps(shorter)).interactions), 2)

    def test_a_cassette_takes_any_iterable_of_interactions(self) -> None:
        for given in ([numbered(1)], (numbered(1),), Interactions([numbered(1)])):
            self.assertEqual(Cassette.model_validate({"interactions": given}).interactions, [numbered(1)])


if __name__ == "__main__":
    unittest.main()
