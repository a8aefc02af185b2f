"""The files of records, wherever they come from: this disk, hosts, addresses that soon expire."""

import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path

import requests

from collectors.fresh import fetch_resolved
from collectors.plan import Plan
from collectors.progress import Progress
from collectors.record import Record, StoredFile
from collectors.source import Ask
from collectors.storage.files import DiskFull
from collectors.storage.workspace import Workspace
from collectors.web.crew import Crew
from collectors.web.download import Missed, copy_local, fetch_all
from collectors.web.polite import Pace


def arrivals(
    plan: Plan,
    workspace: Workspace,
    session: requests.Session,
    records: Sequence[Record],
    progress: Progress,
    crew: Crew | None = None,
) -> Iterator[tuple[Record, StoredFile | Missed]]:
    """Yield every record with its file as it comes: from this disk first, then every host at its own pace.

    A `crew` fetches on other machines (`fetch_all`).

    Raises:
        DiskFull: there is no room; everything that was yielded is safe.
        NoContact: from the session.
    """
    remote: list[Record] = []
    local = {
        source.name: (source.open_local, settings) for source, settings in plan.sources if source.open_local
    }
    for record in records:
        open_local, settings = local.get(record.source, (None, None))
        if open_local is None:
            remote.append(record)
        else:
            yield (
                record,
                copy_local(open_local(settings, plan.base, record.original), record, workspace.originals),
            )
    paces: dict[str, Pace] = {}
    for source, settings in plan.sources:
        paces.update(source.paces(settings))

    def over_the_network(some: Sequence[Record]) -> Iterator[tuple[Record, StoredFile | Missed]]:
        return fetch_all(
            some,
            session,
            workspace.originals,
            workspace.parts,
            paces=paces,
            crew=crew,
            max_bytes=int(plan.settings.max_megabytes * 1e6),
            progress=progress,
        )

    short_lived = {source.name for source, _ in plan.sources if source.expires and source.resolve}
    lasting = [record for record in remote if record.source not in short_lived]
    yield from over_the_network(lasting) if lasting else ()
    for source, settings in plan.sources:
        some = [record for record in remote if record.source == source.name and source.name in short_lived]
        ask = Ask(
            settings=settings,
            subject=plan.settings.subject,
            session=session,
            answers=workspace.answers,
            progress=progress,
            base=plan.base,
        )
        yield from fetch_resolved(ask, source, some, over_the_network)


def demand_space(root: Path, needed: int) -> None:
    """Make the folder and raise `DiskFull` where so many bytes do not fit into it."""
    root.mkdir(parents=True, exist_ok=True)
    free = shutil.disk_usage(root).free
    if needed > free:
        raise DiskFull(root, free, needed)
