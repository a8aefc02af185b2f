"""Who is credited: the names in credit fields and in running text, and which of them are NASA itself.

A name is NASA's only when it is in the list here to its last word; every other name is somebody else's, and
so is whatever could not be told apart from prose.
"""

import html
import re
import unicodedata
from collections.abc import Iterable, Iterator

_BLOCK = re.compile(r"<\s*/?\s*(?:br|p|div|li|ul|ol|tr|td|table|h[1-6])\b[^<>]*>", re.IGNORECASE)
_TAG = re.compile(r"<[^<>]*>")
_DASHES = str.maketrans(dict.fromkeys("‐‑‒−", "-") | dict.fromkeys("’‘`´", "'"))


def readable(text: str) -> str:
    """What a reader sees of a text that may hold HTML; blocks end in an empty line."""
    for _ in range(3):  # some descriptions went through an editor twice: &amp;copy;
        before, text = text, html.unescape(_TAG.sub("", _BLOCK.sub("\n\n", text)))
        if text == before:
            break
    return visible(text)


def visible(text: str) -> str:
    """The text without characters that nobody sees, in one spelling of each letter."""
    plain = unicodedata.normalize("NFKC", text).translate(_DASHES)
    return "".join(one for one in plain if one.isspace() or unicodedata.category(one)[0] != "C")


_THING = (
    r"(?:image|photo(?:graph)?|picture|illustration|art(?:work)?|painting|rendering|concept|impression|mosaic"
    r"|visuali[sz]ation|animation|source)s?"
)
_LEAD = re.compile(
    rf"\b(?i:credit(?:s|ed)?(?:\s+line)?(?:\s+(?:goes\s+)?to)?)\s*(?:[:=–—-]\s*|(?=[(\[]?[A-Z]))"
    rf"|\b(?i:{_THING})\s*:\s*(?=[(\[]?[A-Z])"
    r"|(?:\b(?i:copyright(?:ed)?|courtesy)|©)(?:\s+(?i:by|of))?\s*:?\s*(?=[(\[]?[A-Z])"
)
"""Words after which a credit stands: `Photo credit: (NASA/Kim Shiflett)`, `Image: ESA`."""

_AGENCIES = (
    r"(?:NASA|JPL(?:-Caltech)?|GSFC|ESA|ESO|STScI|JAXA|CSA|ASI|DLR|CNES|USGS|NOAA|NSF|AURA|SwRI|MSSS|SETI"
    r"|JHUAPL|JHU|APL|UCLA|SSI|CXC|CfA)"
)
_LIST = re.compile(
    rf"\b{_AGENCIES}(?:\s*/\s*(?=\w)|\s*,\s*(?:and\s+)?(?={_AGENCIES}\b)|\s*(?:&|\band\b)\s*(?=[A-Z(]))"
)
"""A list of names that nobody announced as a credit: `NASA, ESA, J. Debes (STScI), …`, `NASA/JPL-Caltech`."""

_MADE_BY = re.compile(
    rf"\b(?i:{_THING}|processing|(?:re)?paint(?:ed|ing)|drawn|illustrated|rendered|photographed|processed|provided"
    r"|made|contributed|donated|supplied|created|produced|prepared|designed|generated)"
    r"\s+(?:(?i:was|were|is|are|made|created|produced|provided|taken|courtesy)\s+)?(?i:by)\s+(?=[A-Z])"
)
"""Words after which a maker stands: `Artwork by Rick Sternbach`."""

_END = re.compile(r"\s{2,}|[.!?]\s+(?=[A-Z][a-z]+\s+[a-z])|$")
"""Where a credit ends: at an empty line, or before a new sentence (`J. Debes` is none)."""

_JOINING = r"(?:and|of|the|for|with|by|at|in|de|del|della|di|du|la|van|von|der|et|und)"
_PROSE = re.compile(rf"\s(?!{_JOINING}\b)[a-z]|(?<!\b[A-Z])[.;](?:\s|$)")
"""Where a list that nobody announced goes over into prose: at a word in lower case that joins no names."""


def in_text(text: str) -> Iterator[str]:
    """The credits that stand in a readable text, in its order.

    >>> list(in_text("Stars. Image credit: NASA/JPL-Caltech. The rover rests."))
    ['NASA/JPL-Caltech']
    """
    seen = 0
    starts = [(match.end(), match.end(), False) for match in _LEAD.finditer(text)]
    starts += [(match.start(), match.end(), True) for match in _LIST.finditer(text)]
    starts += [(match.end(), match.end(), True) for match in _MADE_BY.finditer(text)]
    for begin, after, unannounced in sorted(starts):
        if begin < seen:
            continue
        end = _END.search(text, after)
        stop = end.start() if end else len(text)
        prose = _PROSE.search(text, after, stop) if unannounced else None
        seen = prose.start() if prose else stop
        if said := tidy(text[begin:seen]):
            yield said


def tidy(text: str) -> str:
    """A credit on one line, without the brackets and marks around it."""
    line = " ".join(text.split()).strip(' .,;:/-–—"“”')
    whole = re.fullmatch(r"[(\[]([^()\[\]]*)[)\]]", line)
    return whole[1].strip(" .,;:") if whole else line


_CALTECH = re.compile(r"\bjpl\s*[-/]\s*cal\s?tech\b", re.IGNORECASE)
_BETWEEN = re.compile(
    r"[/,;&|+•·:()\[\]{}\"“”\n]|(?<!\b[A-Z])\.\s|\s[-–—]+\s|\b(?:and|with|for|via|by)\b", re.IGNORECASE
)
_NO_NAME = re.compile(
    rf"(?:\s*(?:the|an?|{_THING}|artist(?:'s)?|conceptions?|credits?|credited|processing|annotat(?:ion|ed))\b)*\s*",
    re.IGNORECASE,
)


def parties(credit: str) -> list[str]:
    """The names a credit joins, as they stand there.

    >>> parties("NASA/JPL/Caltech and R. Hurt (IPAC)")
    ['NASA', 'JPL-Caltech', 'R. Hurt', 'IPAC']
    """
    names = (name.strip(" .'") for name in _BETWEEN.split(_CALTECH.sub("JPL-Caltech", credit)))
    return [name for name in names if not _NO_NAME.fullmatch(name)]


_CENTRES = (
    r"ames(?: research center)?|armstrong flight research center|afrc"
    r"|dryden(?: flight research (?:center|facility))?|dfrc|(?:john h\.? )?glenn research center|grc"
    r"|goddard(?: space flight center)?|gsfc|headquarters|hq|lewis research center"
    r"|(?:lyndon b\.? )?johnson space center|jsc|(?:john f\.? )?kennedy space center|ksc"
    r"|langley(?: research center)?|larc|(?:george c\.? )?marshall space flight center|msfc"
    r"|(?:john c\.? )?stennis(?: space center)?|wallops(?: flight facility)?"
    r"|jet propulsion laboratory|jpl(?:-caltech)?"
    r"|scientific visualization studio|svs|conceptual image lab(?:oratory)?"
)
_SURNAMES = "johnson|kennedy|marshall|glenn|lewis|armstrong|earth observatory"
"""Names of centres that could be anybody's, and are NASA's only behind its name."""
_OWN = re.compile(
    rf"(?:the )?(?:nasa|national aeronautics and space administration"
    rf"|(?:nasa(?:'s)?[ -])?(?:{_CENTRES})|nasa(?:'s)?[ -](?:{_SURNAMES}))"
)
_NASA, _JPL = re.compile(r"\bnasa\b|\bnational aeronautics and\b"), re.compile(r"\bjpl\b|\bjet propulsion\b")


def is_own(party: str) -> bool:
    """Whether a name is NASA, one of its centres or its picture offices, or JPL-Caltech; to the last word.

    A person is not: `NASA/Joel Kowsky` may be staff, `NASA/Don Davis` an artist; the credit does not tell.
    """
    return _OWN.fullmatch(" ".join(party.casefold().split())) is not None


def others(credits: Iterable[str]) -> list[str]:
    """The names in credits that are not NASA's, each once.

    Centres' short names count only beside NASA's or JPL's own: who is meant by a bare `HQ`, nobody knows.
    """
    names = list(dict.fromkeys(name for credit in credits for name in parties(credit)))
    foreign = [name for name in names if not is_own(name)]
    return foreign if foreign or any(map(_named, names)) else names


def is_jpl(party: str) -> bool:
    """Whether a name is that of the Jet Propulsion Laboratory."""
    return is_own(party) and _JPL.search(party.casefold()) is not None


def _named(party: str) -> bool:
    return bool(_NASA.search(party.casefold()) or is_jpl(party))
