"""The pages that the demo leaves: what they link to and show is there, nothing is loaded from elsewhere."""

from pathlib import Path

from links import Page, broken

from universe_gan.shell.cli import run
from universe_gan.shell.exits import Exit


def test_no_link_on_any_page_of_the_demo_is_broken(home: Path) -> None:
    assert run(["review", "sample", "-q"]) == Exit.DONE
    pages = sorted(home.rglob("*.html"))
    assert {path.name for path in pages} >= {"report.html", "audit.html", "review.html"}
    assert broken(pages) == []
    report = Page(home / "data" / "sample" / "report.html")
    assert len([link for link in report.links if link.startswith("#")]) > 10
    assert len([one for one in report.loads if one.startswith("data:image/")]) > 30
