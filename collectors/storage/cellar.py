"""What was fetched before, and what will never come."""

from collectors.record import Record, StoredFile
from collectors.storage.files import Journal
from collectors.storage.workspace import Workspace
from collectors.web.download import Missed


class Cellar:
    """What was fetched before, found again by the image it belongs to; and what will never come."""

    def __init__(self, workspace: Workspace, question: str, *, hopeful: bool = False) -> None:
        """`hopeful`: what would never come is tried once more."""
        self._store = workspace.originals
        self._question = question
        self._journal = Journal(workspace.root / "fetched.jsonl")
        self._files: dict[str, StoredFile] = {}
        self.never: dict[str, Missed] = {}
        for line in self._journal.read():
            if "file" in line:
                self._files[line["key"]] = StoredFile.model_validate(line["file"])
            elif line["question"] == question and "never" in line:
                self.never[line["uid"]] = Missed.model_validate(line["never"])
            elif line["question"] == question:
                self.never.clear()
        if hopeful and self.never:
            self._journal.append({"question": question, "hopeful": True})
            self.never.clear()

    def find(self, record: Record) -> StoredFile | None:
        """The stored file of this record, or of a byte-identical one; one of another size is removed."""
        file = self._files.get(identity(record))
        size = self._store.size(file.sha256) if file else None
        if file is None or size is None:
            return None
        if size != file.bytes:
            self._store.drop(file.sha256)  # or it would stand in the way of what is fetched in its place
            return None
        return file

    def add(self, record: Record, file: StoredFile) -> None:
        self._files[identity(record)] = file
        self._journal.append({"key": identity(record), "file": file.model_dump(mode="json")})

    def give_up(self, record: Record, missed: Missed) -> None:
        self.never[record.uid] = missed
        self._journal.append(
            {"uid": record.uid, "question": self._question, "never": missed.model_dump(mode="json")}
        )


def identity(record: Record) -> str:
    original = record.original
    return original.sha1 or f"{record.uid} {original.url} {original.revision}"
