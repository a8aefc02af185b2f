"""What a file must be: the facts its source or the manifest states, held against the bytes that came."""

from dataclasses import dataclass
from typing import Protocol

from collectors.record import Record, StoredFile
from collectors.web.signatures import KNOWN, plain, sniff


class Came(Protocol):
    """Bytes that came, measured."""

    size: int
    head: bytes

    @property
    def sha1(self) -> str: ...

    @property
    def sha256(self) -> str: ...


@dataclass(frozen=True)
class Expected:
    """`None`: not known, and then not demanded."""

    locked: StoredFile | None
    """The file of a manifest, which must come back byte for byte."""
    bytes: int | None
    sha1: str | None
    mime: str | None
    width: int | None
    height: int | None
    rendition: str = "original"

    @classmethod
    def of(cls, record: Record) -> "Expected":
        """The facts of a record; where it carries a file, those of that file."""
        original, file = record.original, record.file
        if file is not None:
            sha1 = original.sha1 if file.rendition == "original" else None
            return cls(file, file.bytes, sha1, plain(file.mime), file.width, file.height)
        mime = plain(original.mime) if original.mime else None
        return cls(
            None, original.bytes, original.sha1, mime, original.width, original.height, original.rendition
        )

    @property
    def provable(self) -> bool:
        """Whether a hash tells right bytes from wrong ones."""
        return self.locked is not None or self.sha1 is not None

    def problem(self, came: Came) -> str | None:
        """What is wrong with the bytes, or `None`."""
        if self.locked is not None:
            wrong = came.sha256 != self.locked.sha256
            return f"its SHA-256 is {came.sha256}, the manifest has {self.locked.sha256}" if wrong else None
        if came.size == 0:
            return "it is empty"
        if self.bytes is not None and came.size != self.bytes:
            return f"{came.size} bytes came, the source states {self.bytes}"
        if self.sha1 is not None and came.sha1 != self.sha1.lower():
            return f"its SHA-1 is {came.sha1}, the source states {self.sha1}"
        return self._wrong_kind(sniff(came.head))

    def _wrong_kind(self, found: str | None) -> str | None:
        """Another type than stated is a lie, unless the hash proves that the source only misnamed it."""
        if found is None:
            undecidable = self.sha1 is not None and self.mime is not None and self.mime not in KNOWN
            return None if undecidable else f"it does not begin like {self.mime or 'an image'}"
        if self.mime is None or found == self.mime or self.sha1 is not None:
            return None
        return f"it begins like {found}, the source states {self.mime}"

    def stored(self, came: Came) -> StoredFile:
        """The description of the bytes once they are found right."""
        if self.locked is not None:
            return self.locked
        mime = sniff(came.head) or self.mime
        assert mime, "problem() lets nothing through that has no type"
        return StoredFile(
            rendition=self.rendition,
            sha256=came.sha256,
            bytes=came.size,
            mime=mime,
            width=self.width,
            height=self.height,
        )
