"""SPDX expressions: what they allow, in how many ways, and which way is the freest."""

import re
from collections.abc import Iterable, Sequence
from functools import lru_cache
from itertools import product
from typing import Any

from collectors.licences.table import TABLE, UNKNOWN, Licence, cc_licence, unknown
from collectors.rights import LicenceClass

MAX_OPTIONS = 64
"""An expression that offers more choices than this is not a licence statement but an accident."""
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9.+-]*")
_ORDER = {cls: rank for rank, cls in enumerate(LicenceClass)}


def get(id: str) -> Licence:
    """What an id or expression stands for; never a `KeyError`.

    An id that is not in the table comes back with the class `unknown` and no permission. Of an expression the
    freest option is returned, and where that option joins several licences, all their conditions together.
    """
    licence = TABLE.get(id) or cc_licence(id)
    if licence:
        return licence
    if _ID.fullmatch(id):
        return unknown(id, id)
    return together([get(part) for part in parts(options(id)[0])])


@lru_cache(maxsize=4096)
def _options(expression: str) -> tuple[str, ...]:
    choices = _choices(expression)
    if not choices:
        return (UNKNOWN,)
    texts = {" AND ".join(sorted(choice)) for choice in choices}
    return tuple(sorted(texts, key=lambda text: strictness(together([get(id) for id in parts(text)]))))


def options(expression: str) -> list[str]:
    """The ways in which an expression may be used, the freest first.

    Each is one id, or ids joined by AND that hold together. An expression that cannot be read gives
    `["NOASSERTION"]`.

    >>> options("GFDL-1.2-or-later OR CC-BY-SA-3.0")
    ['CC-BY-SA-3.0', 'GFDL-1.2-or-later']
    """
    return list(_options(expression))


@lru_cache(maxsize=4096)
def parts(option: str) -> tuple[str, ...]:
    """The ids that one option joins, the strictest first."""
    ids = dict.fromkeys(option.split(" AND "))
    return tuple(
        sorted(ids, key=lambda id: strictness(get(id) if " " not in id else unknown(id)), reverse=True)
    )


def together(licences: Sequence[Licence]) -> Licence:
    """What remains allowed where several licences hold at once: every condition of each."""
    if len(licences) == 1:
        return licences[0]
    return Licence(
        id=" AND ".join(licence.id for licence in licences),
        name=" and ".join(licence.name for licence in licences),
        url=None,
        cls=max((licence.cls for licence in licences), key=_ORDER.__getitem__),
        attribution=_any(licence.attribution for licence in licences),
        share_alike=_any(licence.share_alike for licence in licences),
        commercial=_all(licence.commercial for licence in licences),
        derivatives=_all(licence.derivatives for licence in licences),
    )


def strictness(licence: Licence) -> tuple[Any, ...]:
    """A sort key, the freest licence first: by class, by what it forbids and asks, newer versions first."""
    forbids = (licence.derivatives, licence.commercial)
    asks = (licence.share_alike, licence.attribution)
    version = re.search(r"\d\.\d", licence.id)
    return (
        _ORDER[licence.cls],
        [allowed is not True for allowed in forbids],
        [asked is not False for asked in asks],
        -float(version[0]) if version else 0.0,
        licence.id,
    )


def any_of(expressions: Iterable[str]) -> str:
    """One expression that offers each of these, `NOASSERTION` for none."""
    return _joined(" OR ", (option for expression in expressions for option in options(expression)))


def all_of(expressions: Iterable[str]) -> str:
    """One expression in which all of these hold together, `NOASSERTION` for none."""
    return _joined(" AND ", expressions)


def _joined(operator: str, expressions: Iterable[str]) -> str:
    said = sorted(set(expressions) - {UNKNOWN})
    if len(said) < 2:
        return said[0] if said else UNKNOWN
    return operator.join(f"({one})" if " " in one else one for one in said)


def _choices(expression: str) -> list[frozenset[str]]:
    """The disjunctive normal form; empty where the expression is broken or offers absurdly many choices."""
    if _ID.fullmatch(expression):
        return [frozenset([expression])]
    from license_expression import ExpressionError  # 50 ms of CPU, and most expressions are one id

    try:
        tree = _licensing().parse(expression)
        return [] if tree is None else _normal(tree)
    except (ExpressionError, _Unreadable):
        return []


@lru_cache(maxsize=1)
def _licensing() -> Any:
    from license_expression import get_spdx_licensing

    return get_spdx_licensing()


class _Unreadable(Exception):
    pass


def _normal(node: Any) -> list[frozenset[str]]:
    from license_expression import AND, OR

    if isinstance(node, OR):
        found = {choice for argument in node.args for choice in _normal(argument)}
    elif isinstance(node, AND):
        found = {frozenset()}
        for argument in node.args:
            found = {left | right for left, right in product(found, _normal(argument))}
            if len(found) > MAX_OPTIONS:
                raise _Unreadable
    else:
        id = node.render()
        if not _ID.fullmatch(id):
            raise _Unreadable
        return [frozenset([id])]
    if len(found) > MAX_OPTIONS:
        raise _Unreadable
    return [choice for choice in found if not any(other < choice for other in found)]


def _any(values: Iterable[bool | None]) -> bool | None:
    seen = set(values)
    return True if True in seen else None if None in seen else False


def _all(values: Iterable[bool | None]) -> bool | None:
    seen = set(values)
    return False if False in seen else None if None in seen else True
