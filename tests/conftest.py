"""What tests of several rooms share: a real MediaWiki, where the machine has one, and who runs which test.

`make test` runs the suite in several processes (pytest-xdist). A module stays together, so that what it
makes once is made once; modules of the one MediaWiki stay together too, and those of Ray. What takes longest
begins first.
"""

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")  # a process a core; before NumPy and PyTorch are loaded

import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from browsing import browser  # noqa: F401  (a fixture for all pages)
from hypothesis import settings
from real.mediawiki import RealWiki, running, what_is_missing
from real.wiki_contents import everything

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # A shell without job control starts what it puts in the background deaf to Ctrl-C, and that is inherited;
    # with a handler of our own, the programs that tests start and interrupt hear it again.
    signal.signal(signal.SIGINT, signal.default_int_handler)

settings.register_profile("any machine", parent=settings(), deadline=None)  # how busy it is proves nothing
settings.load_profile("any machine")

SHARED = {"wiki": "RealWiki", "ray": 'importorskip("ray"'}
"""What modules share of a machine, and the words by which they are known: one process runs all of a kind."""
GROUPS = {
    path.stem: group
    for path in Path(__file__).parent.rglob("test_*.py")
    for group, words in SHARED.items()
    if words in path.read_text(encoding="utf-8")
}
LONGEST = {*GROUPS, "test_derivatives", "test_planets", "test_real_skies"}
"""Modules of minutes: whoever got one last would keep everybody waiting."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """In several processes the longest modules come first; the order inside a module stays."""
    if "PYTEST_XDIST_WORKER" in os.environ:
        items.sort(key=lambda item: (item.path.stem not in LONGEST, item.path.parent.name != "real"))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """A module is a process's own, and so are all modules that share something."""
    from xdist.scheduler import LoadScopeScheduling

    class ByModule(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            module = nodeid.partition("::")[0]
            return GROUPS.get(Path(module).stem, module)

    return ByModule(config, log)


@pytest.fixture(scope="session")
def wiki(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealWiki]:
    """A filled MediaWiki on loopback, one for the whole run; tests leave it as they found it."""
    if missing := what_is_missing():
        if "mediawiki" in os.environ.get("UNIVERSE_GAN_REQUIRE", ""):
            pytest.fail(f"a MediaWiki is required here, and {missing}")
        pytest.skip(missing)
    # A short path: that of a Unix socket may have 107 bytes.
    with (
        tempfile.TemporaryDirectory(prefix="ug-wiki-") as folder,
        running(Path(folder), everything()) as wiki,
    ):
        yield wiki
