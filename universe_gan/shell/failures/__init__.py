"""From a typed failure to what happened, how to fix it, and the exit code: the only place that advises.

A module a room, each with its table of words; they are joined here.
"""

from universe_gan.shell.failures import (
    clustering,
    collecting,
    comparing,
    curating,
    hub,
    machine,
    recipes,
    storing,
    training,
    upscaling,
)
from universe_gan.shell.failures.failure import Failure, Table

__all__ = ["Failure", "explain"]

_TABLE: Table = {
    **recipes.TABLE,
    **training.TABLE,
    **clustering.TABLE,
    **curating.TABLE,
    **collecting.TABLE,
    **comparing.TABLE,
    **hub.TABLE,
    **storing.TABLE,
    **machine.TABLE,
}
"""The first that fits counts: those of the machine, which are the widest, come last."""
_BY_NAME = {**training.BY_NAME, **comparing.BY_NAME, **upscaling.BY_NAME}


def explain(error: BaseException) -> Failure | None:
    """The words for a failure we foresaw; `None` for a bug."""
    for kind, words in _TABLE.items():
        if isinstance(error, kind):
            return words(error)
    for kind in type(error).__mro__:
        if named := _BY_NAME.get(f"{kind.__module__}.{kind.__name__}"):
            return named(error)
    return None
