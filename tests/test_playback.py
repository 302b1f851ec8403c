"""The index: which recorded request answers, in which order, and what it costs."""

from __future__ import annotations

import dataclasses
import json
import unittest
from collections import Counter, deque
from collections.abc import Callable, Hashable, Sequence

from hypothesis import given
from hypothesis import strategies as st

from cassettes_lib.matching import DEFAULT_MATCH_ON, MatchOn, header, resolve_matchers
from cassettes_lib.models import InteractionRequest
from cassettes_lib.playback import PlaybackIndex, Usage
from tests.support import a_request
from tests.support_matching import Requests, json_posted, match


def index_of(requests: Sequence[InteractionRequest], match_on: MatchOn = DEFAULT_MATCH_ON) -> PlaybackIndex:
    return PlaybackIndex(Requests(requests), match_on)


def numbered(count: int) -> list[InteractionRequest]:
    return [a_request(url=f"http://h/{number}") for number in range(count)]


class PlaybackIndexTest(unittest.TestCase):
    def test_equal_requests_are_played_in_recorded_order(self) -> None:
        a, b = numbered(2)
        index = index_of([a, b, a, a])
        self.assertEqual([index.take(each) for each in (a, a, b, a)], [0, 2, 1, 3])
        self.assertEqual([index.take(a), index.take(b)], [None, None])
        self.assertEqual(index.play_count, 4)

    def test_requests_are_equal_when_their_keys_are_however_they_are_written(self) -> None:
        pad = "x" * 100
        recorded = [
            json_posted({"a": 1, "pad": pad}), json_posted({"pad": pad, "a": 1}), json_posted({"a": 2, "pad": pad}),
            json_posted({"pad": pad, "a": 1}, indent=1),
        ]  # fmt: skip
        index = index_of(recorded)
        self.assertEqual([index.take(recorded[3]) for _ in range(4)], [0, 1, 3, None])
        self.assertEqual(index.take(json_posted({"pad": pad, "a": 2}, indent=2)), 2)

    def test_a_body_written_in_another_way_is_found_behind_the_usual_one(self) -> None:
        recorded = json_posted({"a": 1, "pad": "x" * 100})
        other = json_posted({"pad": "x" * 100, "a": 1}, indent=1)
        index = index_of([recorded] * 4)
        self.assertEqual([index.take(each) for each in (recorded, other, recorded, other, other)], [0, 1, 2, 3, None])

    def test_the_last_is_repeated_on_request(self) -> None:
        a, b = numbered(2)
        index = index_of([a, a])
        self.assertEqual([index.take(a, repeat=True) for _ in range(4)], [0, 1, 1, 1])
        self.assertIsNone(index.take(b, repeat=True))
        self.assertEqual(index.play_count, 4)

    def test_what_was_not_asked_for_is_unused(self) -> None:
        requests = numbered(3)
        index = index_of(requests)
        self.assertEqual((index.unused, index.all_played), ([0, 1, 2], False))
        index.take(requests[1])
        self.assertEqual((index.unused, index.is_played(1), index.is_played(0)), ([0, 2], True, False))
        index.take(requests[2])
        index.take(requests[0])
        self.assertEqual((index.unused, index.all_played), ([], True))

    def test_an_empty_cassette_answers_nothing(self) -> None:
        index = index_of([])
        self.assertIsNone(index.take(a_request()))
        self.assertIsNone(index.usage(a_request()))
        self.assertTrue(index.all_played)

    def test_the_usage_says_how_often_was_asked_and_recorded(self) -> None:
        a, b, c = numbered(3)
        index = index_of([a, b, a])
        for each in (a, a, a, c):
            index.take(each)
        self.assertEqual(index.usage(a), Usage((0, 2), 3))
        self.assertEqual(index.usage(b), Usage((1,), 0))
        self.assertIsNone(index.usage(c))

    def test_keys_are_compared_by_hash_and_equality_only(self) -> None:
        class Third:
            def __init__(self, number: int) -> None:
                self.number = number

            def __hash__(self) -> int:
                return 1

            def __eq__(self, other: object) -> bool:
                return isinstance(other, Third) and self.number // 3 == other.number // 3

        requests = numbered(10)
        index = index_of(requests, lambda request: Third(int(request.url.rpartition("/")[2])))
        self.assertEqual(index.take(a_request(url="http://h/8")), 6)

    def test_a_key_that_cannot_be_hashed_names_its_matcher(self) -> None:
        def as_json(request: InteractionRequest) -> Hashable:
            loaded: Hashable = json.loads(request.body)
            return loaded

        with self.assertRaisesRegex(TypeError, r"the matcher as_json returned a key, \{'a': 1\} \(dict\), that cannot"):
            index_of([json_posted({"a": 1})], ["method", as_json]).take(json_posted({"a": 1}))

    def test_a_key_that_equals_nothing_but_itself_names_its_matcher(self) -> None:
        async def later() -> str:
            return "a"

        def coroutine(request: InteractionRequest) -> Hashable:
            made = later()
            self.addCleanup(made.close)
            return made

        def generator(request: InteractionRequest) -> Hashable:
            return (each for each in request.url)

        def mapped(request: InteractionRequest) -> Hashable:
            return map(str.lower, request.url)

        def values(request: InteractionRequest) -> Hashable:
            return dict(request.headers).values()

        for matcher in (coroutine, generator, mapped, values):
            with self.subTest(matcher), self.assertRaisesRegex(TypeError, f"the matcher {matcher.__name__} returned"):
                index_of([a_request()], matcher).take(a_request())

    def test_nan_in_a_key_equals_itself(self) -> None:
        for key in (lambda: float("nan"), lambda: (1, (float("nan"), "a")), lambda: frozenset([float("nan")])):

            def with_nan(request: InteractionRequest, key: Callable[[], Hashable] = key) -> Hashable:
                return key()

            index = index_of(numbered(2), with_nan)
            self.assertEqual([index.take(request) for request in numbered(3)], [0, 1, None])
            self.assertEqual(match(a_request(), a_request(), with_nan), True)

    def test_an_error_in_a_matcher_reaches_the_caller_and_says_where_it_comes_from(self) -> None:
        def broken(request: InteractionRequest) -> Hashable:
            raise TypeError("mine")

        with self.assertRaisesRegex(TypeError, "^mine$") as caught:
            index_of([a_request()], broken).take(a_request("PUT"))
        self.assertEqual(
            caught.exception.__notes__,
            ["raised by the matcher broken, for the request GET https://api.example.com/orders"],
        )

    @given(st.lists(st.integers(0, 5)), st.lists(st.integers(0, 6)), st.booleans())
    def test_it_does_what_a_queue_per_key_does(
        self, recorded: list[int], asked: list[int], repeat: bool
    ) -> None:
        def made(number: int) -> InteractionRequest:
            members = [("a", number % 2), ("pad", "x" * 60)]
            request = json_posted(dict(members if number % 3 else reversed(members)))
            return request.model_copy(update={"url": f"http://h/{number // 4}"})

        matchers = resolve_matchers(DEFAULT_MATCH_ON)
        requests = [made(number) for number in recorded]
        queues: dict[Hashable, deque[int]] = {}
        for position, request in enumerate(requests):
            queues.setdefault(tuple(matcher(request) for matcher in matchers), deque()).append(position)
        last: dict[Hashable, int] = {}
        index = index_of(requests)
        for number in asked:
            key = tuple(matcher(made(number)) for matcher in matchers)
            expected = queues[key].popleft() if queues.get(key) else last.get(key) if repeat else None
            if expected is not None:
                last[key] = expected
            self.assertEqual(index.take(made(number), repeat=repeat), expected)
        self.assertEqual(index.unused, sorted(position for queue in queues.values() for position in queue))


class CostTest(unittest.TestCase):
    """Costs are counted, not timed."""

    def test_opening_reads_nothing(self) -> None:
        requests = Requests(numbered(1_000))
        self.assertEqual(len(PlaybackIndex(requests, DEFAULT_MATCH_ON).unused), 1_000)
        self.assertFalse(requests.read)

    def test_method_and_url_are_read_alone_where_that_is_cheaper(self) -> None:
        requests = Requests(numbered(100))
        self.assertEqual(PlaybackIndex(requests, DEFAULT_MATCH_ON).take(requests.request_at(42)), 42)
        self.assertEqual(set(requests.read), {42})

    def test_requests_in_recorded_order_are_answered_without_a_key(self) -> None:
        def body_key(request: InteractionRequest) -> Hashable:
            raise AssertionError("parsed")

        matchers = resolve_matchers(["method", "url", "body"])
        matchers = (*matchers[:2], dataclasses.replace(matchers[2], key=body_key))
        requests = [json_posted({"a": number, "pad": "x" * 100}) for number in range(100)]
        index = index_of(requests, matchers)
        self.assertEqual([index.take(request) for request in requests], list(range(100)))

    def test_the_first_that_was_not_played_is_looked_for_once(self) -> None:
        requests = Requests(numbered(1_000))
        index = PlaybackIndex(requests, DEFAULT_MATCH_ON)
        for position, request in [*enumerate(numbered(500)), *reversed([*enumerate(numbered(1_000))][500:])]:
            self.assertEqual(index.take(request), position)
        self.assertLess(max(requests.read.values()), 8)

    def test_bodies_are_looked_at_only_among_requests_equal_in_all_else(self) -> None:
        counts: Counter[str] = Counter()

        def counted(request: InteractionRequest) -> Hashable:
            counts[request.url] += 1
            return request.body

        requests = [a_request(url=f"http://h/{number % 100}", body=b"%d" % number) for number in range(1_000)]
        index = index_of(requests, ("method", "url", counted))
        self.assertEqual(index.take(requests[307]), 307)
        self.assertEqual(set(counts), {"http://h/7"})
        self.assertLessEqual(counts["http://h/7"], 10 + 3)

    def test_a_lookup_costs_the_same_with_ten_and_with_ten_thousand(self) -> None:
        for count in (10, 10_000):
            calls = 0

            def counted(request: InteractionRequest) -> Hashable:
                nonlocal calls
                calls += 1
                return request.body

            requests = [a_request("POST", body=b"%d" % number) for number in range(count)]
            index = index_of(requests, ("method", "url", header("Accept"), counted))
            index.take(requests[-1])
            opening, calls = calls, 0
            for request in reversed(requests):
                index.take(request)
            self.assertLessEqual(opening, count + 8)
            self.assertEqual(calls, count)

    def test_a_body_is_parsed_once_however_often_it_is_recorded(self) -> None:
        parsed = 0
        matchers = resolve_matchers(["url", "body"])

        def body_key(request: InteractionRequest) -> Hashable:
            nonlocal parsed
            parsed += 1
            return matchers[1].key(request)

        request = json_posted({"a": "x" * 100})
        index = index_of([request] * 5, [matchers[0], dataclasses.replace(matchers[1], key=body_key)])
        self.assertEqual([index.take(request, repeat=True) for _ in range(7)], [0, 1, 2, 3, 4, 4, 4])
        self.assertEqual(parsed, 1)


if __name__ == "__main__":
    unittest.main()
