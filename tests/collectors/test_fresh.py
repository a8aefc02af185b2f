"""Addresses that soon expire: asked for late, a few at a time, and once more where one died."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
import requests
from builders import a_file, a_record

from collectors.fresh import AT_ONCE, fetch_resolved
from collectors.frozen import SourceSettings
from collectors.record import Reason, Record, StoredFile
from collectors.source import Ask, Resolved, Source
from collectors.storage.stores import Store
from collectors.web.download import Missed


class Links:
    """A source that numbers every address it gives out; `fetched` are those that were used, in order."""

    def __init__(self, dead: Mapping[str, int], reason: Reason = Reason.GONE) -> None:
        """`dead`: how many addresses of an image do not bring it; -1: it has none."""
        self.dead, self.reason = dict(dead), reason
        self.given = 0
        self.waiting: list[int] = []
        self.fetched: list[str] = []

    def resolve(self, ask: Ask, records: Sequence[Record]) -> Iterator[Resolved]:
        for record in records:
            if self.dead.get(record.uid) == -1:
                yield Resolved(uid=record.uid, original=None, detail="deleted")
                continue
            self.given += 1
            url = f"http://127.0.0.1:9/{self.given}"
            yield Resolved(uid=record.uid, original=record.original.model_copy(update={"url": url}))

    def fetch(self, records: Sequence[Record]) -> Iterator[tuple[Record, StoredFile | Missed]]:
        self.waiting.append(len(records))
        for record in records:
            self.fetched.append(record.original.url)
            left = self.dead.get(record.uid, 0)
            self.dead[record.uid] = left - 1
            missed = Missed(reason=self.reason, detail="HTTP 403", again=False)
            yield record, missed if left > 0 else StoredFile.model_validate(a_file(1))

    def run(self, tmp_path: Path, count: int) -> dict[str, StoredFile | Missed]:
        def parse(answer: Mapping[str, Any], subject: str) -> Record:
            raise NotImplementedError

        source = Source(
            "links", "links", SourceSettings, lambda ask: iter(()), parse, "terms", resolve=self.resolve
        )
        ask = Ask(SourceSettings(), "thing", requests.Session(), Store(tmp_path))
        records = [a_record(number=number, file=None) for number in range(count)]
        told = list(fetch_resolved(ask, source, records, self.fetch))
        assert len(told) == len({record.uid for record, _ in told})
        assert all(record in records for record, _ in told), "records come back as they were given"
        return {record.uid: outcome for record, outcome in told}


def test_only_a_few_addresses_wait_at_any_time(tmp_path: Path) -> None:
    links = Links({})
    told = links.run(tmp_path, 20)
    assert len(told) == 20
    assert links.waiting == [AT_ONCE, AT_ONCE, 20 - 2 * AT_ONCE]


@pytest.mark.parametrize("reason", [Reason.GONE, Reason.BUSY])
def test_a_dead_address_is_asked_for_once_more_and_then_believed(tmp_path: Path, reason: Reason) -> None:
    links = Links({"commons:M1": 1, "commons:M2": 9}, reason)
    told = links.run(tmp_path, 4)
    assert isinstance(told["commons:M1"], StoredFile)
    missed = told["commons:M2"]
    assert isinstance(missed, Missed)
    assert missed.reason is reason
    assert len(links.fetched) == len(set(links.fetched)) == 6


def test_a_file_that_is_wrong_is_not_asked_for_again(tmp_path: Path) -> None:
    links = Links({"commons:M0": 1}, Reason.CHANGED)
    assert isinstance(links.run(tmp_path, 1)["commons:M0"], Missed)
    assert links.given == 1


def test_what_has_no_address_is_gone_with_the_reason(tmp_path: Path) -> None:
    links = Links({"commons:M0": -1})
    told = links.run(tmp_path, 2)
    assert told["commons:M0"] == Missed(reason=Reason.GONE, detail="deleted", again=False)
    assert isinstance(told["commons:M1"], StoredFile)
