"""Where the cassette of a test lies when nobody says: `cassettes/<module>/<Class>.<method>.json` beside its source.

Strategy: the name follows from the test alone, never from what is on the disk or what ran before, so that every run
and every process finds the same file. A name that some file system would not take, or would take for another, gets a
hash of the exact name at its end. Should two tests come to one file all the same, the second is told about the first.
"""

from __future__ import annotations

import hashlib
import os
import re
import sys
import threading
import unicodedata
import weakref
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from cassettes_lib.errors import CassetteError
from cassettes_lib.late_patterns import late_pattern

_MAX_BYTES = 120
_UNSAFE = late_pattern(r"[^\w.\-+=@\[\],]")
# https://learn.microsoft.com/windows/win32/fileio/naming-a-file: reserved with any extension, the case being free.
_RESERVED = frozenset(("con", "prn", "aux", "nul", "conin$", "conout$")) | {
    f"{port}{number}" for port in ("com", "lpt") for number in "0123456789¹²³"
}

_lock = threading.Lock()
_claims: dict[str, Claim] = {}


class Claim(NamedTuple):
    """Who uses a default path.

    Attributes:
        source: The source file of the test.
        name: Its qualified name, exact.
        owner: Its class, where classes of the same name must be told apart.
    """

    source: str
    name: str
    owner: weakref.ref[type] | None = None

    def __str__(self) -> str:
        return f"{self.name} in {self.source}"


def path_of_test(cls: type, name: str, folder: Path | None = None) -> Path:
    """Return the path of the cassette of a test method.

    Args:
        cls: The class of the running test; for an inherited test the class that inherits.
        name: The name of the method, or what `cassette_name` returned.
        folder: Where to put it instead of `cassettes/<module>`.

    Raises:
        CassetteError: Another test has this path.
    """
    source = _source_of_module(cls.__module__)
    exact = f"{_plain(cls.__qualname__)}.{name}"
    marked = f"{_told_apart_in_module(cls)}.{_told_apart_in_class(cls, name)}"
    return _claimed((folder or _folder_for(source)) / _file_name(exact, marked), Claim(source, exact, _owner(cls)))


def path_named(cls: type, method: str, name: str, folder: Path | None = None) -> Path:
    """Return the path of the cassette of a test method whose class names the file itself.

    Args:
        cls: The class of the running test.
        method: The name of its method.
        name: What the class calls the file, folders allowed; `.json` is added where it is missing.
        folder: Where to put it instead of `cassettes/<module>`.

    Raises:
        CassetteError: Another test has this path.
        ValueError: The name is none, or leads out of the folder.
    """
    source = _source_of_module(cls.__module__)
    parts = [part for part in re.split(r"[/\\]", name.removesuffix(".json")) if part not in ("", ".")]
    if not parts or ".." in parts or os.path.isabs(name):
        raise ValueError(f"cassette_name() of {cls.__qualname__} returned {name!r}: that is no name of a file")
    path = (folder or _folder_for(source)).joinpath(*map(safe_name, parts[:-1]), safe_name(parts[-1]) + ".json")
    return _claimed(path, Claim(source, f"{_plain(cls.__qualname__)}.{method}", _owner(cls)))


def path_of_function(function: Callable[..., Any], arguments: tuple[Any, ...]) -> Path:
    """Return the path of the cassette of a decorated function; a method belongs to the class it is called on.

    Args:
        function: The function.
        arguments: The positional arguments it is called with.

    Raises:
        CassetteError: Another test has this path.
        TypeError: The function has no name.
    """
    name = getattr(function, "__name__", None)
    qualified = getattr(function, "__qualname__", name)
    if not name or not qualified:
        raise TypeError(f"{function!r} has no name to call a cassette by; give use_cassette a path")
    owner = _class_called_on(function, name, qualified, arguments)
    if owner is not None:
        return path_of_test(owner, _running_name(name, arguments[0]))
    source = _source_of_function(function)
    module = sys.modules.get(getattr(function, "__module__", None) or "")
    exact = (name if _leads_to(vars(module or object).get(name), function) else _plain(qualified)) + _parameters(name)
    return _claimed(_folder_for(source) / _file_name(exact), Claim(source, exact))


def safe_name(name: str, marked: str | None = None) -> str:
    """Return a name that every file system takes, and takes for no other; unchanged where it is such a name already.

    Args:
        name: The exact name.
        marked: The same name with marks where file systems would mix it up with another; see `_told_apart`.
    """
    text = unicodedata.normalize("NFC", name)
    safe = _UNSAFE.sub("-", text).strip(". ")
    encoded = safe.encode("utf-8")
    if len(encoded) > _MAX_BYTES:
        safe = encoded[:_MAX_BYTES].decode("utf-8", "ignore")
    first, dot, rest = safe.partition(".")
    if first.lower() in _RESERVED:
        safe = f"{first}_{dot}{rest}"
    if safe == name and (marked or name) == name:
        return safe
    return f"{safe}-{hashlib.sha256(name.encode('utf-8', 'surrogatepass')).hexdigest()[:8]}"


def folder_beside(cls: type, folder: str | os.PathLike[str]) -> Path:
    """Return a folder that is given relative to the source file of a class."""
    return Path(_source_of_module(cls.__module__)).parent / folder


def _file_name(exact: str, marked: str | None = None) -> str:
    return safe_name(exact, marked) + ".json"


def _folder_for(source: str) -> Path:
    path = Path(source)
    module = path.parent.name if path.stem == "__init__" else path.stem
    return path.parent / "cassettes" / safe_name(module)


def _source_of_module(module: str) -> str:
    file = getattr(sys.modules.get(module), "__file__", None)
    return os.path.abspath(file) if file else os.path.join(os.getcwd(), module.rpartition(".")[2] + ".py")


def _source_of_function(function: Callable[..., Any]) -> str:
    module = getattr(function, "__module__", None) or "__main__"
    if getattr(sys.modules.get(module), "__file__", None):
        return _source_of_module(module)
    import inspect

    code = getattr(inspect.unwrap(function), "__code__", None)
    return os.path.abspath(code.co_filename) if code and os.path.exists(code.co_filename) else _source_of_module(module)


def _plain(qualified: str) -> str:
    return qualified.replace(".<locals>", "")


def _class_called_on(
    function: Callable[..., Any], name: str, qualified: str, arguments: tuple[Any, ...]
) -> type | None:
    """Return the class of the object that a method is called on, or None for what is not a method."""
    if not arguments:
        return None
    first = arguments[0]
    cls = first if isinstance(first, type) else type(first)
    attribute = next((vars(base)[name] for base in cls.__mro__ if name in vars(base)), None)
    if _leads_to(attribute, function):
        return cls
    # Decorators below may hide the function (they lack functools.wraps), or take it away and leave variants of it.
    scope = qualified.rpartition(".")[0]
    stands_in_class = bool(scope) and not scope.endswith("<locals>")
    has_variants = str(getattr(first, "_testMethodName", "")).startswith(name)
    return cls if stands_in_class and (attribute is not None or has_variants) else None


def _leads_to(attribute: Any, function: Callable[..., Any]) -> bool:
    """Tell whether an attribute is a function, or a wrapper of it."""
    found, depth = getattr(attribute, "__func__", attribute), 0
    while found is not None and depth < 100:
        if found is function:
            return True
        found, depth = getattr(found, "__wrapped__", None), depth + 1
        found = getattr(found, "__func__", found)
    return False


def _running_name(name: str, case: Any) -> str:
    """Return the name of the running test where it was made from the method: `test_add_0` from `test_add`."""
    running = getattr(case, "_testMethodName", "")
    return running if isinstance(running, str) and running.startswith(name) else name + _parameters(name)


def _parameters(name: str) -> str:
    """Return what tells the parametrised runs of one test function apart under pytest: `[2-True]`, or nothing."""
    running = os.environ.get("PYTEST_CURRENT_TEST", "").rpartition(" (")[0]
    start = running.rfind(f"::{name}[")
    return running[start + len(name) + 2 :] if start >= 0 else ""


def _told_apart_in_class(cls: type, name: str) -> str:
    return _told_apart(name, dir(cls))


def _told_apart_in_module(cls: type) -> str:
    names = vars(sys.modules.get(cls.__module__, object))
    classes = [name for name, value in list(names.items()) if isinstance(value, type)]
    return _told_apart(_plain(cls.__qualname__), classes)


def _told_apart(name: str, others: list[str]) -> str:
    """Mark a name that differs from another one by nothing but case, which some file systems do not see."""
    folded = name.casefold()
    return f"{name}*" if any(each.casefold() == folded and each != name for each in others) else name


def _owner(cls: type) -> weakref.ref[type] | None:
    """Return a reference to a class that its module does not have under its name, such as one made by `type()`.

    Several of those may have one name. The class that does stand under its name may replace an earlier one (a module
    was imported anew); and a class made in a function is made anew in each call.
    """
    if "<locals>" in cls.__qualname__:
        return None
    found: Any = sys.modules.get(cls.__module__)
    for part in cls.__qualname__.split("."):
        found = getattr(found, part, None)
    return None if found is cls else weakref.ref(cls)


def _claimed(path: Path, claim: Claim) -> Path:
    key = unicodedata.normalize("NFC", str(path)).casefold()
    with _lock:
        holder = _claims.get(key)
        if holder is not None and not _same_test(holder, claim):
            raise CassetteError(
                f"two tests would share the cassette {path}: {holder}, and {claim}. "
                "Give one of them a name or a path of its own, or both the same path if they are meant to share"
            )
        _claims[key] = claim
    return path


def _same_test(holder: Claim, claim: Claim) -> bool:
    if (holder.source, holder.name) != (claim.source, claim.name):
        return False
    first, second = (each.owner and each.owner() for each in (holder, claim))
    return first is None or second is None or first is second
