"""Words from the web, made harmless."""

import html
import re
import string

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from curation.markup import markdown, markdown_link, plain, web_address, yaml_string

UNKIND = st.text(alphabet=st.characters(), max_size=40)


@given(UNKIND)
@settings(max_examples=300, deadline=None)
def test_any_text_is_a_yaml_string_that_reads_back(text: str) -> None:
    written = yaml_string(text)
    assert yaml.safe_load(f"key: {written}\nother: 1") == {"key": plain(text), "other": 1}


@given(UNKIND)
@settings(max_examples=300, deadline=None)
def test_plain_text_is_one_visible_line(text: str) -> None:
    shown = plain(text)
    assert "\n" not in shown
    assert shown == shown.strip()
    assert not re.search("[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", shown)
    assert plain(shown) == shown


def test_every_mark_that_means_something_in_markdown_is_escaped() -> None:
    escaped = str(markdown("*_`[]<>|#~&$\\{}@"))
    assert escaped == "".join(f"\\{mark}" for mark in "*_`[]<>|#~&$\\{}@")


def test_a_colon_is_escaped_only_where_it_makes_an_address_or_an_emoji() -> None:
    assert markdown("refused: no licence") == "refused: no licence"
    assert markdown("http://x.org :smile:") == "http\\://x.org \\:smile:"


def test_ordinary_names_stay_readable_in_the_source() -> None:
    assert markdown("Jean-Luc Müller, M 42 (2019)") == "Jean-Luc Müller, M 42 (2019)"
    assert markdown("www.example.org") == "www\\.example.org"


def test_markdown_is_escaped_once() -> None:
    once = markdown("a|b")
    assert markdown(once) == once


def test_newlines_cannot_leave_a_table_cell_or_a_list() -> None:
    assert markdown("a\n# b\r\n- c\u2028d") == "a \\# b - c d"


@pytest.mark.parametrize(
    "address",
    [
        "javascript:alert(1)",
        "JaVaScRiPt:alert(1)",
        "data:text/html,x",
        "file:///etc/passwd",
        "//example.org/x",
        "example.org/x",
        "http://",
        "http://[broken/x",
        "ftp://example.org/",
        "https://example.org/\ud800",
        "",
        None,
    ],
)
def test_only_addresses_of_the_web_become_links(address: str | None) -> None:
    assert web_address(address) is None
    assert markdown_link("words", address) == "words"


def test_an_address_cannot_end_its_link() -> None:
    address = web_address("https://example.org/a b)(c\"'<>|\n`\\]?q=[1]&r=(2)#f)")
    assert address is not None
    assert not set(address) & set(" ()<>\"'|\n`\\[]")
    assert html.escape(address).replace("&amp;", "&") == address


def test_an_address_that_is_escaped_already_stays_as_it_is() -> None:
    address = "https://commons.wikimedia.org/wiki/File:M42_%28Orion%29.jpg?x=%26#a"
    assert web_address(address) == address
    assert web_address("http://[::1]:8080/w") == "http://[::1]:8080/w"


def test_letters_of_all_alphabets_survive() -> None:
    words = "Туманность 星雲 سديم nebulosa — “Ñ” 🌌"
    assert plain(words) == words
    assert all(letter in words for letter in markdown(words) if letter not in string.punctuation)
