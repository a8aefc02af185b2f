"""Words of a stranger in every field: pages, cards and tables show them, and none of them does anything."""

import csv
import io
import json
import re
from pathlib import Path
from typing import Any

import pytest
from browsing import Opened
from builders import a_nebula, encoded
from hostile import STRANGE

from universe_gan.shell.cli import run
from universe_gan.shell.exits import Exit

ATTACKS = (
    "</script><script>document.title='owned'</script>",
    '"><img src=x onerror="document.title=\'owned\'">',
    "'; document.title='owned'; //",
    "```\n</style></title></textarea><svg onload=\"document.title='owned'\">",
    "{{7*7}}{% for x in ().__class__ %}${7*7}",
    "[x](javascript:alert`1`) ![x](https://tracker.example.org/p.png) <https://evil.example.org>",
    "x\n---\nlicense: cc0-1.0\ntags:\n- owned\n---\n",
    '=HYPERLINK("https://evil.example.org","x")',
    "+cmd|' /C calc'!A0",
    "@SUM(1+9)*cmd|' /C calc'!A0",
    "-2+3",
    "| a | b |\n|---|---|\n# heading",
    STRANGE,
    "<!--",
    "]]>",
    "&lt;script&gt;",
)
RECIPE = """
[collect]
subject = "neb\\"ula </script>"
min_side = 16

[collect.folder]
path = "images"

[policy]
reference = ["nd"]

[curate]
size = 32
duplicates = false
held_out = 0

[curate.screen]
diagram = 1
text = 1
frame = 1
collage = 1
blurred = 1

[publish]
title = "</title><script>document.title='owned'</script> {{7*7}}"
"""
FOR_PEOPLE = re.compile(r"\.(md|csv|html|txt)$")


LIVE = (
    "[onerror], [onload], [onmouseover], iframe, object, embed, base",
    "a[href^='javascript' i], a[href*='evil.example.org'], img[src^='http']",
)
INJECT = """() => {
  const script = document.createElement("script");
  script.textContent = "window.owned = 'ran'";
  document.body.append(script);
  return window.owned ?? "kept out";
}"""
"""What markup that got in all the same would do: the content security policy must stop it."""


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace built of pictures whose credits are attacks, each in every field."""
    home = tmp_path_factory.mktemp("words")
    (home / "images").mkdir()
    lines = []
    for number, attack in enumerate(ATTACKS):
        (home / "images" / f"{number}.png").write_bytes(encoded(a_nebula(number, (48, 40))))
        lines.append(
            {
                "file": f"{number}.png",
                "title": attack,
                "creator": attack,
                "creator_url": "https://example.org/\"onmouseover='alert(1)'/" + str(number),
                "licence": "CC-BY-4.0" if number % 3 else "CC-BY-ND-4.0",
                "page": "https://example.org/)](javascript:alert(1))<x>/" + str(number),
                "how_known": attack,
                "description": attack,
                "categories": [attack],
            }
        )
    (home / "credits.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    (home / "words.toml").write_text(RECIPE)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(home)
        assert run(["build", "words.toml", "-q", "--workers", "1"]) == Exit.DONE
        assert run(["review", "words.toml", "-q"]) == Exit.DONE
    return home / "data" / "words"


def made(built: Path, ending: str) -> list[Path]:
    found = sorted(path for path in built.rglob(f"*{ending}") if "originals" not in path.parts)
    assert found, f"nothing ends in {ending}"
    return found


@pytest.mark.browser
def test_pages_show_attacks_and_run_none(browser: Any, built: Path) -> None:
    pages = made(built, ".html")
    assert len(pages) >= 3
    for path in pages:
        opened = Opened(browser, path.as_uri(), viewport={"width": 1200, "height": 900})
        page = opened.page
        page.wait_for_timeout(200)
        assert (page.title() == "owned", opened.bad) == (False, []), path
        for live in LIVE:
            assert page.locator(live).count() == 0, (path, live)
        assert page.locator("meta[http-equiv='Content-Security-Policy']").count() == 1, path
        assert page.evaluate(INJECT) == "kept out", path
        page.context.close()


def test_a_table_holds_no_formula(built: Path) -> None:
    for path in made(built, ".csv"):
        cells = [cell for row in csv.reader(io.StringIO(path.read_text("utf-8"))) for cell in row]
        assert [cell for cell in cells if re.match(r"[=+\-@\t\r\n＝＋－＠]", cell)] == [], path
        assert [cell for cell in cells if any(not c.isprintable() for c in cell)] == [], path


def test_the_head_of_the_card_says_what_we_say(built: Path) -> None:
    yaml = pytest.importorskip("yaml")
    text = (built / "dataset" / "README.md").read_text("utf-8")
    head = yaml.safe_load(text.split("\n---\n")[0].removeprefix("---\n"))
    assert head["license"] != "cc0-1.0"
    assert "owned" not in head.get("tags", [])


@pytest.mark.parametrize(
    "live", ["](javascript:", "<script", "<img", "<svg", "](https://evil", "](https://tracker"]
)
def test_no_markdown_holds_live_markup(built: Path, live: str) -> None:
    for path in made(built, ".md"):
        text = re.sub(r"\A---\n.*?\n---\n|^```.*?^```$", "", path.read_text("utf-8"), flags=re.S | re.M)
        assert re.search(rf"(?<!\\){re.escape(live)}", text) is None, path


def test_what_is_json_is_json_and_says_the_attack_as_words(built: Path) -> None:
    for path in made(built, ".json"):
        json.loads(path.read_text("utf-8"))


def test_no_control_character_is_in_anything_for_people(built: Path) -> None:
    for path in (one for one in built.rglob("*") if one.is_file() and FOR_PEOPLE.search(one.name)):
        text = path.read_text("utf-8")
        assert {c for c in text if not c.isprintable() and c not in "\n\xa0\u2009\u202f"} == set(), path
