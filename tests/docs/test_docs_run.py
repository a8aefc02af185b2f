"""Whoever types what a page shows sees what the page shows."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from documented import ROOT, Fork, Walk, blocks, is_shown, pages, patch, start_of

TOY = ("size=32", "breadth=0.125", "batch=4", "extractor=plain")
RUN = [page for page in pages() if any(not block.needs for block in blocks(page))]


@pytest.fixture(scope="module")
def fork(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fork]:
    pytest.importorskip("torch")
    fork = Fork(tmp_path_factory.mktemp("fork"))
    yield fork
    fork.close()


@pytest.fixture(scope="module")
def demo(fork: Fork) -> Path:
    folder, _ = fork.demo()
    return folder


@pytest.fixture(scope="module")
def trained(fork: Fork, demo: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("trained") / "demo"
    shutil.copytree(demo, folder)
    code, printed = fork(
        {"argv": ["train", "sample", "--kimg", "0.02", *(f"--set=train.{one}" for one in TOY)]}, folder, {}
    )
    assert code == 0, printed
    return folder


@pytest.mark.parametrize("page", RUN, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_what_a_page_shows_happens(
    page: Path, fork: Fork, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    start = start_of(page)
    if start in ("demo", "trained"):
        shutil.copytree(request.getfixturevalue(start), tmp_path, dirs_exist_ok=True)
    walk = Walk(start, tmp_path, fork)
    with walk.servers:
        for block in blocks(page):
            if not block.needs:
                walk.do(block)


def test_lines_that_were_not_printed_are_missed() -> None:
    printed = "one   picture\nnoise\ntwo pictures in 3.1 s\n"
    assert is_shown(("one picture", "…", "two pictures in … s"), printed) is None
    assert is_shown(("two pictures in … s", "one picture"), printed) == "one picture"
    assert is_shown(("three pictures",), printed) == "three pictures"


def test_a_diff_that_fits_nowhere_is_refused(tmp_path: Path) -> None:
    (tmp_path / "table.py").write_text("rows = 1\nmore = 2\n")
    diff = "--- a/table.py\n+++ b/table.py\n@@\n rows = {}\n+new = 3\n"
    patch(diff.format(1), tmp_path, "here")
    assert (tmp_path / "table.py").read_text() == "rows = 1\nnew = 3\nmore = 2\n"
    with pytest.raises(AssertionError, match="stands 0 times"):
        patch(diff.format(7), tmp_path, "here")
