"""Everything that the words beside a dataset are made from."""

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from collectors import licences
from collectors.licences import Licence
from collectors.manifest import Manifest
from collectors.record import Reason, Record
from collectors.shares import count_kinds
from curation.dataset.shards import Part
from curation.dataset.synthetic import Synthetic
from curation.markup import plain
from curation.outcome import Outcome, reasons, seen
from curation.settings import CurateSettings, PolicySettings, PublishSettings


@dataclass(frozen=True)
class Origin:
    """What a stranger needs to make the dataset again; published with it, in `manifest/`."""

    recipe: str | None = None
    """The text of the recipe."""
    tool: str | None = None
    """Version that made the dataset; `None`: the one that wrote the manifest."""
    overrides: tuple[str, ...] = ()
    """Settings given beside the recipe, `section.key=value`."""
    review: str | None = None
    """What a person decided in the review, `NAME.review.jsonl`; `None`: nothing."""
    synthetic: str | None = None
    """Which generated pictures were accepted, `NAME.synthetic.jsonl`; `None`: none."""
    leads_out: bool = False
    """Whether the recipe reads files from outside its own folder, where nobody else has them."""
    lock: Manifest | None = None
    """The sealed manifest; `None`: the one the dataset is made from. They differ after a rebuild that had to
    leave images out."""


@dataclass(frozen=True)
class Facts:
    """What is known of a dataset when its pictures are written."""

    manifest: Manifest
    """What the dataset was made from."""
    outcomes: Sequence[Outcome]
    settings: CurateSettings
    policy: PolicySettings
    publish: PublishSettings
    root_sha256: str
    """Of the dataset."""
    parts: tuple[Part, ...] = ()
    references: tuple[Outcome, ...] = ()
    """Images that are named without pixels."""
    synthetic: tuple[Synthetic, ...] = ()
    """Generated pictures of the configuration `synthetic`."""
    notices: tuple[str, ...] = ()
    """Sentences that the terms of the sources want to see here."""
    origin: Origin = Origin()
    shown: tuple[str, ...] = ()
    """uids on the contact sheet, in its order."""

    @property
    def name(self) -> str:
        return plain(self.publish.title or self.manifest.header.name)

    @property
    def repo(self) -> str:
        """The repository, or words in its place."""
        return self.publish.repo or "path/or/repository"

    @cached_property
    def kept(self) -> tuple[Outcome, ...]:
        return tuple(outcome for outcome in self.outcomes if outcome.keep)

    @cached_property
    def by_licence(self) -> tuple[tuple[Licence, int], ...]:
        """Every licence of a kept image with its number of images, the most frequent first."""
        counts = Counter(outcome.record.rights.chosen for outcome in self.kept)
        return tuple((licences.get(id), n) for id, n in _most(counts))

    @cached_property
    def by_source(self) -> tuple[tuple[str, int], ...]:
        """Every source of a kept image with its number of images, the most frequent first."""
        return _most(Counter(outcome.record.source for outcome in self.kept))

    @cached_property
    def by_kind(self) -> tuple[tuple[str, int], ...]:
        """`real` and `fictive` with their numbers of images; empty where the recipe names no kinds."""
        return tuple(sorted(count_kinds(outcome.record.kind for outcome in self.kept).items()))

    @cached_property
    def by_split(self) -> Mapping[str, int]:
        """`train` and `test` with their numbers of images, those with none left out."""
        counts = Counter(split_of(outcome) for outcome in self.kept)
        return {split: counts[split] for split in SPLITS if counts[split]}

    @property
    def held_out(self) -> int:
        """Pictures of the split `test`."""
        return self.by_split.get("test", 0)

    @cached_property
    def by_edge(self) -> tuple[tuple[str, int], ...]:
        """How many copies were found on which ground, the most frequent first.

        Grounds are the kinds of edges, and `features` where local features led to a verified one.
        """
        copies = [outcome.judged for outcome in self.outcomes if outcome.verdict.reason is Reason.DUPLICATE]
        edges = [one.edge for one in copies if one and one.edge]
        return _most(Counter("features" if edge.inliers else edge.kind.value for edge in edges))

    @cached_property
    def lost(self) -> tuple[int, float, float] | None:
        """Kept images in which a subject was found, and the mean share of it that centred squares would cut
        off and the published ones do; `None` where none was found."""
        found = [one.judged for one in self.kept if one.judged and one.judged.lost]
        if not found:
            return None
        centred = sum(one.lost["centre"] for one in found)
        ours = sum(one.lost[one.crop or "centre"] for one in found)
        return len(found), centred / len(found), ours / len(found)

    @property
    def filters(self) -> tuple[tuple[Reason, float, int], ...]:
        """The filters of the screening that were on: reason, threshold, images dropped."""
        dropped = self.reasons
        return tuple((reason, least, dropped[reason]) for reason, least in self._thresholds() if least < 1)

    def _thresholds(self) -> Iterator[tuple[Reason, float]]:
        for name, field in type(self.settings.screen).model_fields.items():
            if field.annotation is float and name != "doubtful":  # the margin of the others
                reason = Reason(name) if name in set(Reason) else Reason.OFF_TOPIC
                yield reason, getattr(self.settings.screen, name)

    @cached_property
    def permitted(self) -> int:
        """Kept images that rest on a written permission."""
        return sum(outcome.record.permission is not None for outcome in self.kept)

    @cached_property
    def missing(self) -> tuple[Record, ...]:
        """Images that the sealed manifest names with a file and this rebuild had to leave out."""
        lock = self.origin.lock
        here = {record.uid for record in self.manifest.records if record.file}
        return tuple(one for one in lock.records if one.file and one.uid not in here) if lock else ()

    @cached_property
    def other_files(self) -> tuple[Record, ...]:
        """Images whose file is not the one of the sealed manifest, a size made anew by its source."""
        lock = self.origin.lock
        files = {record.uid: record.file for record in self.manifest.records}
        return (
            tuple(one for one in lock.records if files.get(one.uid) not in (None, one.file)) if lock else ()
        )

    @cached_property
    def asked(self) -> tuple[str, str] | None:
        """The first and the last day on which a source was asked about a kept image."""
        days = [one.at[:10] for outcome in self.kept for one in outcome.record.evidence if one.at]
        days += [outcome.record.seen.first[:10] for outcome in self.kept]
        return (min(days), max(days)) if days else None

    @property
    def summary(self) -> str:
        """What the dataset is, in one sentence."""
        size, subject = self.settings.size, plain(self.manifest.header.subject)
        return (
            f"{len(self.kept):,} square pictures of {size} × {size} px, subject: {subject}. Every row carries"
            " its own licence with dated evidence, its creator, the page it came from and a credit line ready"
            " to print."
        )

    @property
    def citation(self) -> str:
        """A BibTeX entry; braces and backslashes of the name cannot break it."""
        title = _NOT_BIBTEX.sub(" ", self.name).strip()
        year = self.asked[1][:4] if self.asked else "n.d."
        where = (
            f"\n  howpublished = {{https://huggingface.co/datasets/{self.publish.repo}}},"
            if self.publish.repo
            else ""
        )
        return (
            f"@misc{{{self.manifest.header.name},\n  title = {{{title}}},\n  year = {{{year}}},{where}\n"
            f"  note = {{Licences per picture; dataset {self.root_sha256[:16]}, made with universe-gan}}\n}}"
        )

    @property
    def tool(self) -> str:
        """Version that made the dataset."""
        return self.origin.tool or self.manifest.header.tool

    @property
    def reasons(self) -> Counter[Reason]:
        """Why images are not here; references are counted as such, not as refused."""
        named = {outcome.record.uid for outcome in self.references}
        return reasons(self.manifest, (one for one in self.outcomes if one.record.uid not in named))

    @property
    def seen(self) -> int:
        return seen(self.manifest.header)


SPLITS = ("train", "test")
_NOT_BIBTEX = re.compile(r"[{}\\%#&$_^~\"@,=]+")


def split_of(outcome: Outcome) -> str:
    """The split of a kept image; what nobody put anywhere is to train on."""
    return (outcome.judged.split if outcome.judged else None) or "train"


def _most(counts: Counter[str]) -> tuple[tuple[str, int], ...]:
    return tuple(sorted(counts.items(), key=lambda one: (-one[1], one[0])))
