"""Descriptions and authors that people wrote in HTML."""

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from collectors.prose import LONGEST, absolute, creator, plain
from collectors.record import Creator

PAGE = "https://commons.wikimedia.org/wiki/File:Orion.jpg"
RECORDED = Path(__file__).resolve().parents[3].parent / "shared" / "recorded" / "wikimedia"


def artist_of(name: str) -> str:
    if not RECORDED.is_dir():
        pytest.skip("the recorded answers are not here")
    return json.loads((RECORDED / name).read_text())["extmetadata"]["Artist"]["value"]


def test_a_recorded_link_names_its_author() -> None:
    assert creator(artist_of("image_info_artist_link.json"), PAGE) == Creator(
        name="link text", url="https://test.com/linkspot"
    )


def test_a_recorded_div_names_its_author_without_an_address() -> None:
    assert creator(artist_of("image_info_artist_div.json"), PAGE) == Creator(name="Jona Lendering")


@pytest.mark.parametrize(
    ("html", "name", "url"),
    [
        (
            '<a href="//commons.wikimedia.org/wiki/User:A">A B</a>',
            "A B",
            "https://commons.wikimedia.org/wiki/User:A",
        ),
        ('<a href="/wiki/User:A">A</a>', "A", "https://commons.wikimedia.org/wiki/User:A"),
        (
            '<a class="new" href="/w/index.php?title=User:J&amp;action=edit&amp;redlink=1">Jane</a>',
            "Jane",
            None,
        ),
        ('<a href="mailto:jane@example.org">Jane</a>', "Jane", None),
        ('<a href="#cite">Jane</a>', "Jane", None),
        ('<a href="javascript:alert(1)">Jane</a>', "Jane", None),
        ('<a href="http://[broken">Jane</a>', "Jane", None),
        ("<ul><li>NASA</li><li>ESA</li></ul>", "NASA; ESA", None),
        ("NASA<br>ESA<br/>", "NASA; ESA", None),
        ("NASA, ESA and\n the <i>Hubble</i> team", "NASA, ESA and the Hubble team", None),
        ("Tom &amp; J&eacute;r&ocirc;me", "Tom & Jérôme", None),
        ("<bdi><a href='https://e.org/M'>Edvard Munch</a>\n</bdi>", "Edvard Munch", "https://e.org/M"),
        ('<span style="display: none">sort key</span>Ada', "Ada", None),
        ("<style>.a{}</style><!-- note -->Ada<script>x()</script>", "Ada", None),
        ("Unknown author", None, None),
        ('Unknown author<span style="display:none">Unknown author</span>', None, None),
        ("Unknown authorUnknown author", None, None),
        ("", None, None),
        ("<p> </p>", None, None),
    ],
)
def test_an_author_is_a_name_and_perhaps_a_page(html: str, name: str | None, url: str | None) -> None:
    assert creator(html, PAGE) == Creator(name=name, url=url)


def test_a_vcard_gives_the_name_and_not_the_dates_and_places() -> None:
    card = """<div class="vcard"><div class="fn"><a href="https://e.org/m">Charles Messier</a></div>
              <table><tr><td>Born</td><td>1730</td></tr></table></div>"""
    assert creator(card, PAGE) == Creator(name="Charles Messier", url="https://e.org/m")


def test_two_vcards_are_two_authors() -> None:
    cards = '<div><span class="fn">A</span><span class="org">x</span></div><span class="fn">B</span>'
    assert creator(cards, PAGE).name == "A; B"


def test_the_address_belongs_to_the_first_author_or_to_nobody() -> None:
    html = '<a class="new" href="/w/?redlink=1">Jane</a> and <a href="https://e.org">John</a>'
    assert creator(html, PAGE) == Creator(name="Jane and John", url=None)


def test_the_recorded_address_with_too_many_slashes_is_mended() -> None:
    assert absolute("http:////commons.wikimedia.org/wiki/X", PAGE) == "https://commons.wikimedia.org/wiki/X"


def test_a_description_becomes_one_line_of_text() -> None:
    html = "<table><tr><td>First</td><td>second</td></tr></table><p>third\n\tline</p>"
    assert plain(html) == "First second third line"


def test_a_long_description_is_cut_at_a_word() -> None:
    text = plain("Word " * 500)
    assert len(text) <= LONGEST
    assert text.endswith("Word…")


def test_one_endless_word_is_cut_all_the_same() -> None:
    assert plain("x" * 5000) == "x" * (LONGEST - 1) + "…"


@settings(deadline=None)
@given(st.text(alphabet=st.sampled_from("<>/ab &;\"'=\x1f\n#brdivlaf"), max_size=200))
def test_no_html_is_too_broken(html: str) -> None:
    text = plain(html, 50)
    assert len(text) <= 50
    assert "\n" not in text
    assert "\x1f" not in text
    name = creator(html, PAGE).name
    assert name is None or name.strip() == name
