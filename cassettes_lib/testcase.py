"""`CassetteTestCase`: a TestCase each of whose tests has a cassette, and assertions about the calls it made."""

from __future__ import annotations

import os
import unittest
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from cassettes_lib.cassette_paths import folder_beside, path_named, path_of_test
from cassettes_lib.decorating import cover
from cassettes_lib.keywords import nearest
from cassettes_lib.modes import CassetteMode
from cassettes_lib.options import CassetteOptions
from cassettes_lib.recording import UseCassette, use_cassette
from cassettes_lib.requested import ANYTHING, Wanted
from cassettes_lib.session import CassetteSession
from cassettes_lib.session_broker import Call, SessionBroker

if TYPE_CHECKING:
    _Base = unittest.TestCase
else:
    _Base = object


_SETTINGS = ("cassette_mode", "cassette_dir", "cassette_options", "cassette_name")


class CassetteMixin(_Base):
    """Gives each test of a class a cassette, from before `setUp` to after its last cleanup.

    For those who have a base class of their own: `class ShopTest(CassetteMixin, TheirTestCase)`. It goes before
    `unittest.IsolatedAsyncioTestCase`, too. `setUp` and `tearDown` need not call `super()`.

    Attributes:
        cassette: The Broker of the running test; from the beginning of `setUp` on.
        cassette_mode: The mode; None: `once`. The environment's `CASSETTES_MODE` overrides.
        cassette_dir: The folder of the cassettes, relative to the source file; None: `cassettes/<module>`.
        cassette_options: Further options of `use_cassette`.
    """

    cassette: SessionBroker
    cassette_mode: ClassVar[CassetteMode | None] = None
    cassette_dir: ClassVar[str | os.PathLike[str] | None] = None
    cassette_options: ClassVar[CassetteOptions] = {}

    def __init_subclass__(cls, **kwargs: Any) -> None:
        """Check the attributes of a derived class, so that an error shows where it was made."""
        super().__init_subclass__(**kwargs)
        for name in vars(cls):
            if name.startswith("ca") and name not in _SETTINGS and (meant := nearest(name, _SETTINGS, cutoff=0.9)):
                raise TypeError(f"{cls.__qualname__} has an attribute {name!r}; did you mean {meant!r}?")
        cls._cassette_use()

    def cassette_name(self) -> str:
        """Return the name of the running test's cassette, without folder and `.json`; override it to name the file."""
        return f"{type(self).__qualname__}.{self._testMethodName}"

    @property
    def cassette_calls(self) -> tuple[Call, ...]:
        """The requests made so far in this test, in order, and where their answers came from."""
        return tuple(self.cassette.calls)

    def run(self, result: unittest.TestResult | None = None) -> unittest.TestResult | None:
        """Run the test on its cassette."""
        with cover(self, type(self)._cassette_session, self._cassette_opened):
            return super().run(result)

    def debug(self) -> None:
        """Run the test on its cassette without collecting the result."""
        with cover(self, type(self)._cassette_session, self._cassette_opened):
            super().debug()

    def assertRequested(
        self,
        method: str,
        url: str,
        *,
        times: int | None = None,
        json: Any = ANYTHING,
        form: Any = ANYTHING,
        body: Any = ANYTHING,
        query: Any = ANYTHING,
        headers: Mapping[str, Any] | None = None,
        msg: Any = None,
    ) -> None:
        """Fail unless the test has made such a request.

        Args:
            method: The method; the case is free.
            url: A URL, or a path such as `/orders`. Without a `?` any query is accepted.
            times: How often exactly; None: at least once. 0: never.
            json: What the body must be as JSON; parts may be `mock.ANY`.
            form: What the fields of an urlencoded body must be: a mapping to values or lists of values, or pairs.
            body: What the body must be: bytes, or text in UTF-8.
            query: What the parameters of the query must be, as for `form`.
            headers: Headers that must be there with these values; others may be there, too.
            msg: What a failure adds to its message.
        """
        wanted = Wanted(method, url, json=json, form=form, body=body, query=query, headers=headers)
        requests = [call.request for call in self.cassette.calls]
        found = sum(wanted.is_met_by(request) for request in requests)
        if found == times or (times is None and found):
            return
        self.fail(self._formatMessage(msg, wanted.failure(requests, found, times, self.cassette.without_secrets)))

    def assertAllPlayed(self, msg: Any = None) -> None:
        """Fail unless every interaction that was on the cassette at the beginning has been replayed."""
        self._fail_if_unused("was not replayed", "were not replayed", msg)

    def assertNoUnused(self, msg: Any = None) -> None:
        """Fail if an interaction that was on the cassette at the beginning was not asked for."""
        self._fail_if_unused("was not asked for", "were not asked for", msg)

    def _fail_if_unused(self, one: str, several: str, msg: Any) -> None:
        unused = self.cassette.unused
        if unused:
            lines = "".join(f"\n  {each.request.method} {each.request.url}" for each in unused)
            number = f"1 interaction on the cassette {one}" if len(unused) == 1 else (
                f"{len(unused)} interactions on the cassette {several}"
            )
            self.fail(self._formatMessage(msg, f"{number}:{lines}"))

    def _cassette_opened(self, broker: SessionBroker) -> None:
        self.cassette = broker

    def _cassette_session(self) -> CassetteSession:
        return type(self)._cassette_use().session_of_test(self, self._cassette_path)

    def _cassette_path(self) -> Path:
        cls, given = type(self), self.cassette_dir
        folder = None if given is None else folder_beside(cls, given)
        name = self.cassette_name()
        if name == CassetteMixin.cassette_name(self):
            return path_of_test(cls, self._testMethodName, folder)
        return path_named(cls, self._testMethodName, name, folder)

    @classmethod
    def _cassette_use(cls) -> UseCassette:
        options: Any = cls.cassette_options
        if not isinstance(options, Mapping):
            raise TypeError(f"{cls.__qualname__}.cassette_options is a dictionary of options, not {options!r}")
        for name, instead in (("mode", "cassette_mode"), ("path", "cassette_dir and cassette_name()")):
            if name in options:
                raise TypeError(f"{cls.__qualname__}.cassette_options has {name!r}; that is for {instead} to say")
        return use_cassette(None, mode=cls.cassette_mode, **options)


class CassetteTestCase(CassetteMixin, unittest.TestCase):
    """A TestCase each of whose tests has a cassette; see `CassetteMixin`.

    Example:
        class ShopTest(CassetteTestCase):
            def test_order(self):
                requests.post("https://shop.example/orders", json={"quantity": 1})
                self.assertRequested("POST", "/orders", json={"quantity": 1})
    """

