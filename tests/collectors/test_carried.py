"""Exceptions that come home from workers: every one of the house, with all its facts."""

import inspect
import pickle
from collections import Counter
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from types import FunctionType, UnionType
from typing import Any, Literal, get_args, get_origin, get_type_hints

import pytest

from collectors.carried import Carried

ROOT = Path(__file__).parents[2]


def kinds() -> Iterator[type[Exception]]:
    """Every exception that the house declares, where what its module needs is installed."""
    for floor in ("collectors", "curation", "universe_gan"):
        for path in sorted((ROOT / floor).rglob("*.py")):
            name = ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
            if not path.stem.startswith("__main__") and "(Exception):" in path.read_text(encoding="utf-8"):
                try:
                    module = import_module(name)
                except ModuleNotFoundError as error:
                    if (error.name or name).split(".")[0] in ("collectors", "curation", "universe_gan"):
                        raise
                    continue
                for value in vars(module).values():
                    if inspect.isclass(value) and issubclass(value, Exception) and value.__module__ == name:
                        yield value


def some(wanted: Any) -> Any:
    """A value of this type that is not empty."""
    if isinstance(wanted, UnionType):
        return some(get_args(wanted)[0])
    kind = get_origin(wanted) or wanted
    if kind is Counter:
        return Counter()
    if isinstance(kind, type) and issubclass(kind, Path):
        return Path("there/it.is")
    if kind is tuple:
        return tuple(some(one) for one in get_args(wanted) if one is not Ellipsis)
    if isinstance(kind, type) and hasattr(kind, "__members__"):
        return next(iter(kind.__members__.values()))
    if kind is Literal:
        return get_args(wanted)[0]
    if hasattr(kind, "model_construct"):
        hints = get_type_hints(kind)
        return kind.model_construct(**{name: some(hints[name]) for name in kind.model_fields})
    if kind in (str, int, float, bool, object):
        return {str: "words", int: 7, float: 0.5, bool: True, object: "it"}[kind]
    if hasattr(kind, "keys"):
        return {some(get_args(wanted)[0]): some(get_args(wanted)[1])}
    if inspect.isabstract(kind) or kind in (list, set):
        return [some(get_args(wanted)[0])]
    pytest.skip(f"nobody has taught this test to make a {wanted}")


def made(kind: type[Exception]) -> Exception:
    if not isinstance(kind.__init__, FunctionType):
        return kind("words")
    try:
        hints = get_type_hints(kind.__init__)
    except NameError as error:
        pytest.skip(f"its types cannot be read here: {error}")
    given: dict[str, Any] = {}
    for name, one in list(inspect.signature(kind.__init__).parameters.items())[1:]:
        given[name] = some(hints[name])
        assert one.kind is not one.VAR_POSITIONAL
    return kind(**given)


@pytest.mark.parametrize("kind", list(kinds()), ids=lambda kind: f"{kind.__module__}.{kind.__name__}")
def test_every_exception_comes_home_as_it_left(kind: type[Exception]) -> None:
    left = made(kind)
    came = pickle.loads(pickle.dumps(Carried.of(left))).error()
    assert type(came) is kind
    assert str(came) == str(left)
    assert {name: fact for name, fact in vars(came).items() if name != "__notes__"} == vars(left)


def test_where_it_was_raised_stands_in_its_notes_and_not_in_its_words() -> None:
    try:
        raise FileNotFoundError(2, "No such file", "there.png")
    except FileNotFoundError as error:
        came = Carried.of(error).error()
    assert isinstance(came, FileNotFoundError)
    assert (came.errno, came.filename, str(came)) == (2, "there.png", "[Errno 2] No such file: 'there.png'")
    assert "test_carried.py" in came.__notes__[0]
