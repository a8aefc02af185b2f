"""The words beside a dataset: its card for the Hub, its licences, and whom to credit."""

import shlex
from collections.abc import Iterable, Iterator
from functools import cache
from itertools import groupby
from typing import Any

import jinja2
import PIL
import pyarrow as pa

from collectors import licences
from collectors.licences import Licence
from collectors.record import Reason
from curation.dataset import synthetic
from curation.dataset.columns import COLUMNS
from curation.dataset.facts import Facts
from curation.duplicates.edges import EdgeKind
from curation.imaging import features
from curation.markup import Markdown, markdown, markdown_link, plain, yaml_string
from curation.outcome import Outcome

HUB_LICENCES = frozenset(
    {
        "CC0-1.0",
        "CC-BY-2.0",
        "CC-BY-2.5",
        "CC-BY-3.0",
        "CC-BY-4.0",
        "CC-BY-SA-3.0",
        "CC-BY-SA-4.0",
        "CC-BY-ND-4.0",
        "CC-BY-NC-2.0",
        "CC-BY-NC-3.0",
        "CC-BY-NC-4.0",
        "CC-BY-NC-ND-3.0",
        "CC-BY-NC-ND-4.0",
        "CC-BY-NC-SA-2.0",
        "CC-BY-NC-SA-3.0",
        "CC-BY-NC-SA-4.0",
    }
)
"""Licences the Hub has an id for: the SPDX id in lower case.

https://huggingface.co/docs/hub/repositories-licenses
"""

SIZES = (
    ("n<1K", 10**3),
    ("1K<n<10K", 10**4),
    ("10K<n<100K", 10**5),
    ("100K<n<1M", 10**6),
    ("1M<n<10M", 10**7),
)
"""The Hub's size categories, each with the number of rows it ends below."""

CREDITS_ON_CARD = 60
"""A set of at most so many pictures has all its credits on the card too."""
MOST_MISSING = 50
"""Missing images that are named on the card; the others are counted."""

FILTER_WORDS = {
    Reason.OFF_TOPIC: "a photograph by daylight; counted with what titles and categories call off-topic"
}
"""Where a filter and a reason are not the same."""

GROUNDS = {
    EdgeKind.SAME_BYTES.value: "the same file",
    EdgeKind.SAME_PIXELS.value: "the same pixels",
    EdgeKind.HASH.value: "perceptual hashes of 256 bits, nearly equal",
    EdgeKind.VERIFIED.value: "perceptual hashes of the turned or mirrored picture, and agreement of the two",
    "features": "local features and agreement of the two: crops, small turns, captions, labels",
}


def files(facts: Facts) -> Iterator[tuple[str, str]]:
    """The three Markdown files of a dataset: name and text."""
    yield "README.md", _render("card.md.jinja", facts)
    yield "LICENSE.md", _render("licence.md.jinja", facts)
    yield "ATTRIBUTION.md", "".join(attribution(facts))


def attribution(facts: Facts) -> Iterator[str]:
    """Whom to credit: a line an image with its title, author and source, under its licence."""
    yield f"# Credits of {markdown(facts.name)}\n\n"
    size = facts.settings.size
    yield f"Every picture was cut to a square and scaled to {size} × {size} px in 8-bit sRGB. "
    yield "The `uid` finds its row in the dataset.\n"
    for licence, _ in facts.by_licence:
        yield f"\n## {licence_link(licence)}\n\n"
        for outcome in facts.kept:
            if outcome.record.rights.chosen == licence.id:
                yield f"- {_credit(outcome)}\n"


def licence_link(licence: Licence) -> Markdown:
    """The licence's name, linked to its text where it has an address."""
    return markdown_link(licence.name, licence.url)


def asks(licence: Licence) -> str:
    """What a licence asks and forbids, in words."""
    demands = [
        "credit the creator" if licence.attribution else None,
        "share adaptations alike" if licence.share_alike else None,
        "no commercial use" if licence.commercial is False else None,
        "no adaptations" if licence.derivatives is False else None,
    ]
    unknown = None in (licence.attribution, licence.share_alike, licence.commercial, licence.derivatives)
    said = [demand for demand in demands if demand] + (["partly unknown"] if unknown else [])
    return ", ".join(said) or "nothing"


def hub_licence(used: Iterable[Licence]) -> str:
    """The Hub's id for a dataset all of whose images share one licence that the Hub knows, else `other`."""
    ids = {licence.id for licence in used}
    return ids.pop().lower() if len(ids) == 1 and ids <= HUB_LICENCES else "other"


def size_category(rows: int) -> str:
    """The Hub's word for a number of rows."""
    return next((words for words, end in SIZES if rows < end), "10M<n<100M")


def _credit(outcome: Outcome) -> str:
    record = outcome.record
    title = markdown_link(record.title.removeprefix("File:"), record.page)
    creator = record.creator
    by = f" by {markdown_link(creator.name, creator.url)}" if creator.name else ", creator not stated"
    return f"{title}{by} (`{plain(record.uid).replace('`', '')}`)"


def _shown(outcome: Outcome) -> Markdown:
    """The credit of a picture on the contact sheet, short."""
    licence = licences.get(outcome.record.rights.chosen)
    creator = f"{markdown(outcome.record.creator.name)}, " if outcome.record.creator.name else ""
    title = outcome.record.title.removeprefix("File:")
    return Markdown(f"{markdown_link(title, outcome.record.page)} ({creator}{licence_link(licence)})")


def _removal(facts: Facts) -> Markdown:
    """Where to ask for the removal of a picture."""
    contact, repo = facts.publish.contact, facts.publish.repo
    if contact:
        return Markdown(f"to {markdown_link(contact, contact)}")
    if repo:
        return Markdown(f"in the [discussions](https://huggingface.co/datasets/{repo}/discussions)")
    return Markdown("to whoever published this dataset")


def _render(template: str, facts: Facts) -> str:
    by_uid = {outcome.record.uid: outcome for outcome in facts.kept}
    ordered = sorted(facts.parts, key=lambda part: part.config)  # stable: train stays before test
    values: dict[str, Any] = {
        "facts": facts,
        "header": facts.manifest.header,
        "lock": (facts.origin.lock or facts.manifest).header,
        "size": facts.settings.size,
        "rows": len(facts.kept),
        "columns": COLUMNS,
        "columns_of": {"metadata": COLUMNS[1:], synthetic.CONFIG: synthetic.COLUMNS},
        "generations": list(synthetic.counts(facts.synthetic)),
        "made_by": sorted({(one.run, one.checkpoint_sha256[:12]) for one in facts.synthetic}),
        "configs": [(config, list(parts)) for config, parts in groupby(ordered, lambda part: part.config)],
        "hub_licence": hub_licence(licence for licence, _ in facts.by_licence),
        "size_category": size_category(len(facts.kept)),
        "inferred": sum(outcome.record.rights.confidence.value == "inferred" for outcome in facts.kept),
        "conflicts": sum(outcome.record.rights.conflict is not None for outcome in facts.kept),
        "contested": sum(bool(outcome.judged and outcome.judged.conflict) for outcome in facts.kept),
        "uncredited": sum(outcome.record.creator.name is None for outcome in facts.kept),
        "shown": [_shown(by_uid[uid]) for uid in facts.shown],
        "credits": [_full_credit(one) for one in facts.kept] if len(facts.kept) <= CREDITS_ON_CARD else [],
        "grounds": GROUNDS,
        "filter_words": FILTER_WORDS,
        "local_features": features.wanted(facts.settings),
        "versions": {"pillow": PIL.__version__, "pyarrow": pa.__version__},
        "most_missing": MOST_MISSING,
        "overrides": [shlex.quote(one) for one in facts.origin.overrides],
        "on_disk": dict(facts.by_source).get("folder", 0),
        "removal": _removal(facts),
        "citation": Markdown(facts.citation),
    }
    return _templates().get_template(template).render(values)


def _full_credit(outcome: Outcome) -> Markdown:
    licence = licences.get(outcome.record.rights.chosen)
    return Markdown(f"{_credit(outcome)}, {licence_link(licence)}")


@cache
def _templates() -> jinja2.Environment:
    """Whatever a template prints is escaped as Markdown, unless it says what else it is."""
    templates = jinja2.Environment(
        loader=jinja2.PackageLoader("curation"),
        undefined=jinja2.StrictUndefined,
        finalize=lambda value: value if isinstance(value, int | Markdown) else markdown(str(value)),
        autoescape=False,  # noqa: S701  (not HTML; `finalize` escapes)
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    templates.filters.update(
        yaml=lambda text: Markdown(yaml_string(text)),
        raw=lambda text: Markdown(plain(str(text)).replace("`", "'")),
        ours=Markdown,
        link=licence_link,
        asks=asks,
        number=lambda number: Markdown(f"{number:,}"),
        percent=lambda share: Markdown(f"{100 * share:.1f} %"),
        size=lambda bytes_: Markdown(
            f"{bytes_ / 1e6:,.1f} MB" if bytes_ >= 1e6 else f"{bytes_ / 1e3:,.0f} kB"
        ),
    )
    return templates
