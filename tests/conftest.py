"""What tests of several rooms share: a real MediaWiki, where the machine has one, and who runs which test.

`make test` runs the suite in several processes (pytest-xdist). A module stays together, so that what it
makes once is made once; all tests of the one MediaWiki are one group. What takes longest begins first.
"""

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")  # a process a core; before NumPy and PyTorch are loaded

import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from browsing import browser  # noqa: F401  (a fixture for all pages)
from real.mediawiki import RealWiki, running, what_is_missing
from real.wiki_contents import everything

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # A shell without job control starts what it puts in the background deaf to Ctrl-C, and that is inherited;
    # with a handler of our own, the programs that tests start and interrupt hear it again.
    signal.signal(signal.SIGINT, signal.default_int_handler)

LONGEST = ("real/test_derivatives", "real/test_planets")
"""Modules of minutes: whoever got one last would keep everybody waiting."""


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Group the tests for `--dist loadgroup`, longest groups first; the order inside a module stays."""
    if not config.pluginmanager.hasplugin("xdist"):
        return
    for item in items:
        item.add_marker(pytest.mark.xdist_group(_group(item)))
    items.sort(key=lambda item: (not _long(item), item.path.parent.name != "real"))


def _group(item: pytest.Item) -> str:
    return "wiki" if "wiki" in getattr(item, "fixturenames", ()) else item.path.stem


def _long(item: pytest.Item) -> bool:
    return _group(item) == "wiki" or any(item.path.match(f"{name}.py") for name in LONGEST)


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
