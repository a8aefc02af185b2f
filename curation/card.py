"""The words beside a dataset: its card for the Hub, its licences, and whom to credit."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from typing import Any

import jinja2

from collectors import licences
from collectors.licences import Licence
from collectors.manifest import Manifest
from collectors.record import Reason
from collectors.shares import count_kinds
from curation.columns import COLUMNS
from curation.markup import Markdown, markdown, markdown_link, plain, yaml_string
from curation.outcome import Outcome, reasons, seen
from curation.settings import CurateSettings, PolicySettings

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


@dataclass(frozen=True)
class Facts:
    """Everything the words are made from."""

    manifest: Manifest
    outcomes: Sequence[Outcome]
    settings: CurateSettings
    policy: PolicySettings
    title: str | None
    root_sha256: str
    """Of the dataset."""
    references: tuple[Outcome, ...] = ()
    """Images that are named without pixels."""
    notices: tuple[str, ...] = ()
    """Sentences that the terms of the sources want to see here."""

    @property
    def name(self) -> str:
        return plain(self.title or self.manifest.header.name)

    @cached_property
    def kept(self) -> tuple[Outcome, ...]:
        return tuple(outcome for outcome in self.outcomes if outcome.keep)

    @cached_property
    def by_licence(self) -> tuple[tuple[Licence, int], ...]:
        """Every licence of a kept image with its number of images, the most frequent first."""
        counts = Counter(outcome.record.rights.chosen for outcome in self.kept)
        return tuple(
            (licences.get(id), n) for id, n in sorted(counts.items(), key=lambda one: (-one[1], one[0]))
        )

    @cached_property
    def permitted(self) -> int:
        """Kept images that rest on a written permission."""
        return sum(outcome.record.permission is not None for outcome in self.kept)

    @cached_property
    def by_kind(self) -> tuple[tuple[str, int], ...]:
        """`real` and `fictive` with their numbers of images; empty where the recipe names no kinds."""
        return tuple(sorted(count_kinds(outcome.record.kind for outcome in self.kept).items()))

    @property
    def reasons(self) -> Counter[Reason]:
        return reasons(self.manifest, self.outcomes)

    @property
    def seen(self) -> int:
        return seen(self.manifest)


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


def _render(template: str, facts: Facts) -> str:
    values: dict[str, Any] = {
        "facts": facts,
        "header": facts.manifest.header,
        "size": facts.settings.size,
        "rows": len(facts.kept),
        "columns": COLUMNS,
        "hub_licence": hub_licence(licence for licence, _ in facts.by_licence),
        "size_category": size_category(len(facts.kept)),
        "inferred": sum(outcome.record.rights.confidence.value == "inferred" for outcome in facts.kept),
        "conflicts": sum(outcome.record.rights.conflict is not None for outcome in facts.kept),
        "uncredited": sum(outcome.record.creator.name is None for outcome in facts.kept),
    }
    return _templates().get_template(template).render(values)


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
    )
    return templates
