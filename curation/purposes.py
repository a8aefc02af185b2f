"""May the whole dataset be trained on, published, kept? One verdict a purpose, in words, and on what terms.

An image's licence is judged by `curation.policy`; here the images of one manifest are seen together, with
what follows for whoever uses all of them, and where their licences do not go together. Not legal advice.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Literal, get_args

from collectors.frozen import Frozen
from collectors.licences import Licence
from collectors.record import Record
from collectors.rights import LicenceClass
from curation.outcome import counted_references
from curation.policy import PERMITTED, may_publish, may_reference, relied_on
from curation.settings import PolicySettings

Purpose = Literal["train", "publish", "private"]
PURPOSES: tuple[Purpose, ...] = get_args(Purpose)

_MAY = {
    "train": "may be trained on",
    "publish": "may be published",
    "private": "may be kept and used privately",
}
_GROUNDS = {
    "train": "each has a licence that the recipe allows, and nobody opted out of use by AI",
    "publish": "each has an allowed licence under which a crop may be shared, nobody opted out of use by AI,"
    " and everybody whose licence asks for credit is named",
    "private": "each has a licence that the recipe allows, and nobody opted out of use by AI",
}


class PurposeVerdict(Frozen):
    """Whether everything that was fetched may serve one purpose, and on what terms."""

    purpose: Purpose
    may: bool
    images: int
    """Images with a file that may serve it."""
    of: int
    """Images with a file."""
    words: str
    """The verdict with its ground, one paragraph."""
    terms: tuple[str, ...]
    """What follows for whoever uses the images that may, one line each."""
    against: tuple[str, ...]
    """Why the others may not, with their numbers."""


class Account:
    """Judges everything that has a file for one purpose, image by image, under the recipe's `allow` and
    `refuse`.

    What may be referred to only is no part of what is published, and may be trained on.
    """

    def __init__(self, settings: PolicySettings, purpose: Purpose) -> None:
        allow = settings.allow if purpose == "publish" else (*settings.allow, *settings.reference)
        self._settings, self._purpose = settings, purpose
        self._policy = settings.model_copy(update={"purpose": purpose, "allow": allow})
        self._total = self._fine = self._by_letter = self._referred = 0
        self._used: Counter[Licence] = Counter()
        self._against: Counter[str] = Counter()

    def add(self, record: Record) -> None:
        """Judge one more image; those without a file do not count."""
        if record.file is None:
            return
        if self._purpose == "publish" and may_reference(record, self._settings).keep:
            self._referred += 1
            return
        self._total += 1
        one = may_publish(record, self._policy)
        if one.reason is not None:
            self._against[f"{one.reason.value}: {one.detail or one.reason.words}"] += 1
            return
        self._fine += 1
        if one.detail.startswith(PERMITTED):
            self._by_letter += 1
        else:
            self._used[relied_on(record.rights)] += 1

    def verdict(self) -> PurposeVerdict:
        """May all that was added serve the purpose?"""
        terms = tuple(_terms(self._used, self._by_letter, self._purpose))
        if self._referred:
            terms = (
                *terms,
                f"Besides {counted_references(self._referred)}: named without pixels, for others to fetch.",
            )
        return PurposeVerdict(
            purpose=self._purpose,
            may=self._fine > 0 and self._fine == self._total,
            images=self._fine,
            of=self._total,
            words=_words(self._purpose, self._fine, self._total, terms),
            terms=terms,
            against=tuple(f"{count:,} × {words}" for words, count in self._against.most_common()),
        )


def _words(purpose: Purpose, fine: int, total: int, terms: Sequence[str]) -> str:
    if not total:
        return f"Nothing was fetched, so there is nothing that {_MAY[purpose]}."
    if fine < total:
        return (
            f"The whole, as it is, not: {total - fine:,} of {total:,} images stand in the way. "
            f"The other {fine:,} {_MAY[purpose]}."
        )
    under = " under these terms, with the attribution list" if terms and purpose == "publish" else ""
    under = under or (" under these terms" if terms else "")
    return f"All {total:,} images {_MAY[purpose]}{under}: {_GROUNDS[purpose]}."


def _terms(used: Mapping[Licence, int], by_letter: int, purpose: Purpose) -> Iterator[str]:
    """One line of consequence each; `used` says how many images rest on each licence, `by_letter` on their
    author's written permission."""

    def count(wanted: Iterable[bool]) -> str:
        number = sum(images for holds, images in zip(wanted, used.values(), strict=True) if holds)
        return f"{number:,} image{'' if number == 1 else 's'}"

    if by_letter:
        plural = "" if by_letter == 1 else "s"
        yield f"By letter: {by_letter:,} image{plural} by their author's written permission, in its scope."
    if any(licence.attribution is not False for licence in used):
        asking = count(licence.attribution is not False for licence in used)
        yield (
            f"Credit: {asking} must be shown with title, author, source and licence (the attribution list)."
            if purpose == "publish"
            else f"Credit: {asking} ask for it as soon as something is shared."
        )
    if any(licence.share_alike for licence in used):
        yield (
            f"Share alike: what is made from {count(bool(one.share_alike) for one in used)} and shared"
            " carries the same licence; the crops of this dataset do."
        )
    if any(licence.commercial is not True for licence in used):
        bound = count(one.commercial is not True for one in used)
        yield f"Non-commercial: {bound} may serve no commercial use."
    if any(licence.derivatives is not True for licence in used):
        yield (
            f"No derivatives: of {count(one.derivatives is not True for one in used)}"
            " neither crop nor adaptation may be shared."
        )
    vague = (LicenceClass.PD_CLAIM, LicenceClass.NKCR)
    if any(licence.cls in vague for licence in used):
        yield f"On trust: for {count(one.cls in vague for one in used)} nobody vouches that they are free."
    if purpose == "train" and any(licence.cls not in (LicenceClass.PD, *vague) for licence in used):
        yield "Whether a model is an adaptation of what it learnt from is not settled: the terms may bind it."


def collisions(licences: Iterable[Licence]) -> tuple[str, ...]:
    """Where the licences of one dataset do not go together, explained; empty where one covers the whole."""
    used = sorted({licence.id: licence for licence in licences}.values(), key=lambda one: one.id)
    if len(used) < 2:
        return ()
    return ("".join(_collection(used)), *_adaptations(used))


def _collection(used: Sequence[Licence]) -> Iterator[str]:
    yield f"A collection under {len(used)} licences: each image keeps its own, none of them covers the whole."
    if any(licence.share_alike for licence in used):
        yield " Standing side by side is no adaptation: share-alike does not reach over to the neighbours."


def _adaptations(used: Sequence[Licence]) -> Iterator[str]:
    """What happens to a work made from several of the images at once: a mosaic, a collage."""
    families: dict[str, list[str]] = {}
    for licence in used:
        if licence.share_alike and licence.derivatives:
            families.setdefault(_family(licence), []).append(licence.name)
    if len(families) > 1:
        sides = " against ".join(" and ".join(names) for names in families.values())
        yield (
            f"Share-alike licences that exclude each other: {sides}. A work made from images of both would"
            " have to carry both licences, which it cannot; adapt images of one side at a time."
        )
    free = [one.name for one in used if one.share_alike and one.commercial]
    bound = [one.name for one in used if one.commercial is False and one.derivatives]
    if free and bound:
        yield (
            f"{' and '.join(free)} beside {' and '.join(bound)}: what is made from the first must be free for"
            " commercial use, what is made from the second must not; the two cannot be merged into one work."
        )
    paid = [one.name for one in used if one.commercial is not True]
    if paid and len(paid) < len(used):
        yield (
            f"{' and '.join(paid)} among freer licences: commercial use must leave these images out"
            " (the column `license`)."
        )
    fixed = [one.name for one in used if one.derivatives is not True]
    if fixed:
        names = " and ".join(fixed)
        yield f"{names}: shared unchanged or not at all, so neither cropped nor part of anything new."


def _family(licence: Licence) -> str:
    """Share-alike licences that a common adaptation can satisfy.

    CC BY-SA from 2.0 on accepts later versions and ports, and 4.0 accepts the Free Art License 1.3
    (https://creativecommons.org/compatiblelicenses); GFDL and GPL accept their own later versions only.
    """
    id = licence.id.removeprefix("LicenseRef-")
    if id in ("CC-BY-SA-1.0", "CC-BY-NC-SA-1.0", "CC-SA-1.0", "LAL-1.2"):
        return id
    for name, prefixes in _FAMILIES.items():
        if id.startswith(prefixes):
            return name
    return id


_FAMILIES = {
    "CC BY-SA": ("CC-BY-SA-", "LAL-1.3"),
    "CC BY-NC-SA": ("CC-BY-NC-SA-",),
    "GFDL": ("GFDL-",),
    "GPL": ("GPL-",),
}
