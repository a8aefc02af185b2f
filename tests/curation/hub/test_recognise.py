"""What was taken down is known again in disguise, and other pictures are left alone."""

import io
from collections.abc import Callable
from pathlib import Path

import pytest
from builders import a_record, stored
from PIL import Image, ImageOps
from skies import a_sky

from collectors.record import Creator, Record
from collectors.storage.workspace import Workspace
from curation.hub import blocked
from curation.hub.blocked import Blocked, Blocklist, BlocklistBroken
from curation.hub.recognise import packed, recognised, unpacked
from curation.imaging import features
from curation.imaging.examine import Examined, examine, folders
from curation.settings import CurateSettings

SETTINGS = CurateSettings(size=128)
DAY = "2026-11-22T12:00:00Z"
needs_opencv = pytest.mark.skipif(not features.available(), reason="OpenCV is not installed")


def encoded(picture: Image.Image, format: str = "PNG", **how: int) -> bytes:
    file = io.BytesIO()
    picture.save(file, format, **how)
    return file.getvalue()


def shown(workspace: Workspace, number: int, data: bytes) -> tuple[Record, Examined]:
    """A record with its file in the workspace, examined, local features and all."""
    record = stored(a_record(number=number), workspace.originals, data)
    assert record.file
    sha256 = record.file.sha256
    look = examine(workspace.originals.path(sha256), sha256, SETTINGS, folders(workspace))
    if features.available():
        features.keep(sha256, folders(workspace).thumbnails, folders(workspace).features)
    return record, look


def line(workspace: Workspace, record: Record, look: Examined, **more: object) -> Blocked:
    store = folders(workspace).features
    assert record.file
    values: dict[str, object] = {
        "uid": record.uid,
        "sha256": record.file.sha256,
        "pixels_sha256": look.pixels_sha256,
        "hashes": look.hashes,
        "detail": look.detail,
        "features": packed(store.read(look.sha256)) if look.sha256 in store else "",
        "date": DAY,
    }
    return Blocked.model_validate(values | more)


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return Workspace(tmp_path / "work")


SKY = a_sky(1, 640, 480)
DISGUISES: dict[str, Callable[[], bytes]] = {
    "the same file": lambda: encoded(SKY),
    "the same pixels": lambda: encoded(SKY, "TIFF"),
    "JPEG of low quality": lambda: encoded(SKY, "JPEG", quality=40),
    "smaller": lambda: encoded(SKY.resize((384, 288), Image.Resampling.LANCZOS), "JPEG", quality=85),
    "gray": lambda: encoded(SKY.convert("L")),
    "turned right": lambda: encoded(SKY.transpose(Image.Transpose.ROTATE_270), "JPEG", quality=80),
    "upside down": lambda: encoded(SKY.transpose(Image.Transpose.ROTATE_180), "JPEG", quality=80),
    "mirrored": lambda: encoded(ImageOps.mirror(SKY), "WEBP", quality=80),
    "in a white frame": lambda: encoded(ImageOps.expand(SKY, 90, "white"), "JPEG", quality=85),
}
PARTS: dict[str, Callable[[], bytes]] = {
    "three quarters of it": lambda: encoded(SKY.crop((40, 30, 520, 390)), "JPEG", quality=90),
    "two thirds of it, mirrored": lambda: encoded(ImageOps.mirror(SKY.crop((140, 60, 640, 430)))),
    "tilted": lambda: encoded(SKY.rotate(7, Image.Resampling.BICUBIC).crop((80, 60, 560, 420))),
    "with a wide border": lambda: encoded(ImageOps.expand(SKY, 90, "slategray"), "JPEG", quality=85),
}


@pytest.mark.parametrize("disguise", DISGUISES)
def test_a_copy_is_recognised_by_its_hashes(workspace: Workspace, disguise: str) -> None:
    record, look = shown(workspace, 1, encoded(SKY))
    blocklist = Blocklist((line(workspace, record, look, features=""),))
    again = shown(workspace, 2, DISGUISES[disguise]())
    found = recognised(blocklist, [again], folders(workspace).features)
    verdict = found[again[0].uid]
    assert verdict.reason == "taken-down"
    assert f"as {record.uid}, taken down 2026-11-22" in verdict.detail


@needs_opencv
@pytest.mark.parametrize("part", PARTS)
def test_a_part_is_recognised_by_its_local_features(workspace: Workspace, part: str) -> None:
    record, look = shown(workspace, 1, encoded(SKY))
    again = shown(workspace, 2, PARTS[part]())
    store = folders(workspace).features
    assert not recognised(Blocklist((line(workspace, record, look, features=""),)), [again], store)
    found = recognised(Blocklist((line(workspace, record, look),)), [again], store)
    assert f"shares a part with {record.uid}" in found[again[0].uid].detail


def test_other_pictures_are_not_recognised(workspace: Workspace) -> None:
    taken = [shown(workspace, number, encoded(a_sky(number, 400, 300))) for number in range(1, 4)]
    others = [shown(workspace, number, encoded(a_sky(number, 400, 300))) for number in range(10, 16)]
    blocklist = Blocklist(tuple(line(workspace, *one) for one in taken))
    store = folders(workspace).features
    assert recognised(blocklist, others, store) == {}
    assert set(recognised(blocklist, taken + others, store)) == {record.uid for record, _ in taken}


def test_a_spared_copy_stays_and_lines_about_authors_recognise_nothing(workspace: Workspace) -> None:
    record, look = shown(workspace, 1, encoded(SKY))
    copy = shown(workspace, 2, encoded(SKY, "JPEG", quality=80))
    spared = line(workspace, record, look, spared=(copy[0].uid,))
    author = Blocked(creator=Creator(name="Somebody"), date=DAY)
    assert recognised(Blocklist((spared, author)), [copy], folders(workspace).features) == {}


def test_features_that_cannot_be_read_leave_the_hashes_to_decide(workspace: Workspace) -> None:
    record, look = shown(workspace, 1, encoded(SKY))
    copy = shown(workspace, 2, encoded(SKY, "JPEG", quality=80))
    for broken in ("~~~", packed(b"another version")):
        blocklist = Blocklist((line(workspace, record, look, features=broken),))
        assert copy[0].uid in recognised(blocklist, [copy], folders(workspace).features)
    assert unpacked("\x00") is None


def test_the_file_is_read_as_it_was_written_and_holds_no_pixel(workspace: Workspace, tmp_path: Path) -> None:
    path = tmp_path / "nebulae.blocked.jsonl"
    assert blocked.read(path).entries == ()
    lines = [line(workspace, *shown(workspace, number, encoded(a_sky(number, 300)))) for number in (2, 1)]
    blocklist = Blocklist().with_(lines).with_([lines[0].model_copy(update={"reason": "again"})])
    blocked.write(blocklist, path)
    assert blocked.read(path) == blocklist
    assert [one.reason for one in blocklist.entries].count("again") == 1
    assert Blocklist().with_(reversed(lines)) == Blocklist().with_(lines)
    first = path.read_bytes()
    blocked.write(blocked.read(path), path)
    assert path.read_bytes() == first
    path.write_bytes(first + b'{"uid": "a:b"')
    with pytest.raises(BlocklistBroken) as raised:
        blocked.read(path)
    assert raised.value.line == 3


def test_before_anything_is_fetched_uid_file_and_author_decide() -> None:
    record = a_record(number=1)
    by = record.creator
    other = a_record(number=2, creator={"name": "Bo", "url": "https://example.org/bo"})
    cases = {
        "uid": Blocked(uid=record.uid, date=DAY),
        "sha1": Blocked(uid="a:b", sha1=record.original.sha1, date=DAY),
        "file": Blocked(uid="a:b", sha256=record.file.sha256 if record.file else "", date=DAY),
        "author by address": Blocked(
            creator=Creator(name="?", url=f"{by.url}/".replace("https", "http")), date=DAY
        ),
        "author by name": Blocked(creator=Creator(name=f"  {(by.name or '').upper()} "), date=DAY),
    }
    for case, one in cases.items():
        assert Blocklist((one,)).refuses(record).reason == "taken-down", case
        assert Blocklist((one,)).refuses(other).keep, case
    nobody = Blocked(creator=Creator(), date=DAY)
    assert Blocklist((nobody,)).refuses(a_record(number=3, creator={"name": None, "url": None})).keep
