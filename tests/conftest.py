"""What tests of several rooms share: a real MediaWiki, where the machine has one."""

import os
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
