"""Wikimedia Commons, or any MediaWiki: the walk through a category tree.

A source in two halves: this one walks and asks (through `mediawiki`), `pages` reads what came.
"""

from collections import deque
from collections.abc import Iterator, Mapping
from typing import Any

from collectors.commons import statements
from collectors.commons.mediawiki import Wiki
from collectors.commons.pages import MissingFile, parse_page, wrap
from collectors.commons.settings import CommonsSettings, bare
from collectors.matching import matching
from collectors.record import Reason, Skipped
from collectors.source import Ask, Finished, Found


class CategoryMissing(Exception):
    """A category of the recipe that the wiki does not have."""

    def __init__(self, category: str, api: str) -> None:
        super().__init__(f"{api} has no category {category!r}")
        self.category, self.api = category, api


def search(ask: Ask) -> Iterator[Found]:
    """Yield every file of the category tree once, breadth first, and after each category that it is finished.

    A file in several categories, or behind a redirect, is told at the first place of the walk that holds it.
    A resumed walk passes finished categories without asking; a file that stood in one of them may be told
    again at a later place, and the first word about it counts.

    Raises:
        CategoryMissing: a root category does not exist.
        NotAWiki, WikiRefused: the address or the question is wrong.
        NoContact, HostBusy: from the session (`polite`).
    """
    settings: CommonsSettings = ask.settings
    wiki = Wiki(settings.api, ask.session)
    roots = _roots(wiki, ask)
    queue: deque[tuple[str, ...]] = deque((root,) for root in roots)
    known = set(roots)
    told: set[int] = set()
    while queue:
        path = queue.popleft()
        deeper = len(path) <= settings.depth
        children = ask.finished.get(path[-1])
        if children is None:
            yield from _files(wiki, ask, path, told)
            children = tuple(wiki.subcategories(path[-1])) if deeper else ()
            yield Finished(unit=path[-1], leads_to=children)
        for child in children if deeper else ():
            if child not in known and not matching(settings.exclude, [child]):
                known.add(child)
                queue.append((*path, child))


def _files(wiki: Wiki, ask: Ask, path: tuple[str, ...], told: set[int]) -> Iterator[Found]:
    """The files of the last category of the path that were not told before."""
    settings: CommonsSettings = ask.settings
    has_statements = wants_statements(settings, wiki)
    for batch in wiki.files(path[-1]):
        new = {page["pageid"]: page for page in batch if page["pageid"] not in told}
        told.update(new)
        stated = wiki.statements(list(new)) if has_statements else {}
        for pageid, page in new.items():
            answer = wrap(page, api=settings.api, wiki=wiki.slug, path=path)
            if has_statements:
                answer["statements"] = statements.kept(stated.get(pageid, {}))
            yield _file(ask, answer, path)


def wants_statements(settings: CommonsSettings, wiki: Wiki) -> bool:
    """Whether structured data is asked for too."""
    return settings.structured == "auto" and wiki.is_commons


def _file(ask: Ask, answer: Mapping[str, Any], path: tuple[str, ...]) -> Found:
    """A page's record, its answer kept; or why it is left out."""
    settings: CommonsSettings = ask.settings
    try:
        record = parse_page(answer, ask.subject, at=ask.now())
    except MissingFile as missing:
        return Skipped(key=missing.uid, reason=Reason.GONE, detail=missing.detail)
    names = [record.title, *record.categories]
    if pattern := matching(settings.exclude, names):
        return Skipped(key=record.uid, reason=Reason.EXCLUDED_NAME, detail=f"matches exclude {pattern!r}")
    if settings.include and not matching(settings.include, [*names, *path]):
        return Skipped(key=record.uid, reason=Reason.EXCLUDED_NAME, detail="matches nothing in include")
    ask.answers.add_answer(answer)
    return record.model_copy(update={"kind": settings.kind})


def _roots(wiki: Wiki, ask: Ask) -> list[str]:
    """The recipe's categories under the names the wiki gives them. Raises `CategoryMissing`."""
    names = [bare(name) for name in ask.settings.categories]
    if all(name in ask.finished for name in names):
        return list(dict.fromkeys(names))
    roots: list[str] = []
    for name, page in zip(names, wiki.categories(names), strict=True):
        if page is None:
            raise CategoryMissing(name, wiki.api)
        root, size = page
        if not size:
            ask.progress.note(f"Category {root} is empty on {wiki.host}; it may point to another name")
        roots.append(root)
    return list(dict.fromkeys(roots))
