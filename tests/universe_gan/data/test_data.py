"""Data: folders, builds and the Hub as batches; what may not be trained on; the cache."""

import hashlib
import io
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

torch = pytest.importorskip("torch", reason="PyTorch is not installed")

from hub_server import HubServer  # noqa: E402
from PIL import Image  # noqa: E402
from toys import folder_of_pictures  # noqa: E402

from collectors.progress import Silent  # noqa: E402
from collectors.storage.files import DiskFull  # noqa: E402
from collectors.storage.workspace import Workspace, WorkspaceBusy  # noqa: E402
from curation.hub.problems import HubBusy, RepoMissing, RevisionMissing  # noqa: E402
from universe_gan import data, pictures, sheets  # noqa: E402
from universe_gan.data import (  # noqa: E402
    NoPictures,
    decode,
    prepare,
)
from universe_gan.data.decode import UNDECODABLE  # noqa: E402
from universe_gan.data.rows import HELD_OUT, SHEET, TOO_MANY  # noqa: E402
from universe_gan.shell.cli import run  # noqa: E402


@pytest.fixture(autouse=True)
def downloads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is downloaded goes into the test's own folder."""
    import huggingface_hub.constants

    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path / "downloads"))


def png(colour: tuple[int, int, int], side: int = 32) -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (side, side), colour).save(file, "PNG")
    return file.getvalue()


def table(place: Path, **columns: list[Any]) -> Path:
    """A dataset of one shard with a picture a row, each redder than the one before."""
    count = len(next(iter(columns.values())))
    pictures = [{"bytes": png((10 * number, 0, 0)), "path": f"{number}.png"} for number in range(count)]
    (place / "data").mkdir(parents=True)
    file = place / "data" / "train-00000-of-00001.parquet"
    pq.write_table(pa.table({"image": pictures, **columns}), file, row_group_size=3)
    return place


def test_a_folder_gives_squares_of_its_middles_and_a_test_folder_is_held_out(tmp_path: Path) -> None:
    place = folder_of_pictures(tmp_path / "pics", 3, side=70)
    folder_of_pictures(place / "test", 2, side=70)
    found = prepare(str(place), cache=tmp_path / "cache")
    assert found.train.pixels.shape == (3, 64, 64, 3)
    assert found.held_out.pixels.shape == (2, 64, 64, 3)
    assert found.train.names == ("00.png", "01.png", "02.png")
    assert (found.origin.pictures, found.origin.held_out) == (3, 2)


def test_a_batch_is_from_minus_one_to_one_with_channels_last(tmp_path: Path) -> None:
    found = prepare(str(table(tmp_path / "set", uid=list("abcde"))), cache=tmp_path / "cache")
    batch = found.train.batch(torch.tensor([4, 0]), torch.device("cpu"))
    assert batch.shape == (2, 3, 32, 32)
    assert batch.is_contiguous(memory_format=torch.channels_last)
    assert batch[0, 0].unique().tolist() == pytest.approx([40 / 127.5 - 1])
    assert batch[1].unique().tolist() == [-1]


def test_rows_that_may_not_be_trained_on_are_refused_and_counted(tmp_path: Path) -> None:
    place = table(
        tmp_path / "set",
        uid=list("abcd"),
        license=["CC0-1.0", "CC-BY-4.0", "CC0-1.0", "LicenseRef-closed"],
        license_class=["pd", "by", "unknown", "closed"],
        ai_opted_out=[None, True, False, False],
    )
    found = prepare(str(place), cache=tmp_path / "cache")
    assert found.train.names == ("a",)
    assert dict(found.origin.licences) == {"CC0-1.0": 1}
    assert sum(found.origin.refused.values()) == 3
    assert int(found.train.pixels[0].max()) == 0


def test_where_nothing_is_left_the_reasons_are_said(tmp_path: Path) -> None:
    place = table(tmp_path / "set", uid=["a"], ai_opted_out=[True])
    with pytest.raises(NoPictures, match="opted out"):
        prepare(str(place), cache=tmp_path / "cache")
    (tmp_path / "empty").mkdir()
    for source in (str(tmp_path / "empty"), str(tmp_path / "not-there")):
        with pytest.raises(NoPictures):
            prepare(source, cache=tmp_path / "cache")


def test_generated_files_of_a_folder_are_known_and_stay_a_share(tmp_path: Path) -> None:
    place = folder_of_pictures(tmp_path / "pics", 9)
    drawn = {"synthetic": True, "generation": 2, "run": "toy"}
    with pictures.Shelf(place / "generated") as shelf:
        for number in range(4):
            facts = {**drawn, "seed": number, **({"selected": {"rank": 1}} if number == 3 else {})}
            image = Image.new("RGB", (40, 40), (0, 0, 50 * number))
            shelf.add(f"seed-{number:06}.png", sheets.png(image, facts if number else {}), facts)
        sheet = sheets.png(Image.new("RGB", (80, 40)), {**drawn, "seeds": [0, 1]})
        (place / "generated" / "sheet.png").write_bytes(sheet)
    found = prepare(str(place), cache=tmp_path / "cache", synthetic=0.25)
    assert found.train.names[:9] == tuple(f"{number:02}.png" for number in range(9))
    assert len(found.train.names) == 12
    assert found.train.names[-1] == "generated/seed-000003.png"  # chosen by rank, in the order they lie in
    assert (found.origin.synthetic, found.origin.generation, found.origin.pictures) == (3, 3, 12)
    assert dict(found.origin.refused) == {SHEET: 1, TOO_MANY: 1}
    assert len(found.reals) == 9
    without = prepare(str(place), cache=tmp_path / "cache")
    assert (without.origin.synthetic, without.origin.generation, len(without.train)) == (0, 0, 9)
    assert data.natural_side(str(place)) == 32


def test_a_generated_file_is_known_by_itself_wherever_it_lies(tmp_path: Path) -> None:
    place = folder_of_pictures(tmp_path / "pics", 9)
    folder_of_pictures(place / "test", 1)
    made = sheets.png(Image.new("RGB", (40, 40)), {"synthetic": True, "generation": 0, "seed": 1})
    stranger = io.BytesIO()
    Image.new("RGB", (40, 40), "red").save(stranger, "JPEG", xmp=sheets.XMP.encode())
    for name, bytes in (("a.png", made), ("b.jpg", stranger.getvalue()), ("test/c.png", made)):
        (place / name).write_bytes(bytes)
    found = prepare(str(place), cache=tmp_path / "cache", synthetic=0.25)
    assert found.train.names[-2:] == ("a.png", "b.jpg")
    assert (found.origin.synthetic, found.origin.generation) == (2, 1)
    assert found.held_out.names == ("test/00.png",)
    assert dict(found.origin.refused) == {HELD_OUT: 1}


def test_a_real_picture_that_took_the_name_of_a_generated_one_is_real(tmp_path: Path) -> None:
    place = tmp_path / "pics"
    with pictures.Shelf(place) as shelf:
        shelf.add("a.png", png((0, 0, 9)), {"synthetic": True})
    (place / "a.png").write_bytes(png((9, 0, 0)))
    assert prepare(str(place), cache=tmp_path / "cache").train.names == ("a.png",)


def test_of_generated_pictures_alone_nothing_is_learned(tmp_path: Path) -> None:
    with pictures.Shelf(tmp_path / "pics") as shelf:
        shelf.add("a.png", png((0, 0, 9)), {"synthetic": True})
    with pytest.raises(NoPictures, match="every row is refused: 1 because a model drew it"):
        prepare(str(tmp_path / "pics"), cache=tmp_path / "cache", synthetic=0.25)


def test_a_build_and_what_was_published_of_it_are_the_same_data(home: Path, hub: HubServer) -> None:
    built = prepare("data/sample/dataset", side=32, cache=Path("cache"))
    assert run(["publish", "sample", "--repo", "ada/nebulae", "-q"]) == 0
    there = prepare("ada/nebulae", side=32, cache=Path("cache"))
    head = hub.repos["ada/nebulae"].refs["refs/heads/main"]
    assert there.origin.revision == head
    assert there.origin.fingerprint == built.origin.fingerprint
    assert len(list(Path("cache").iterdir())) == 1
    assert built.origin.held_out == len(built.held_out) > 0
    again = prepare("hf://datasets/ada/nebulae", side=32, cache=Path("cache"), revision=head)
    assert again.origin == there.origin.model_copy(update={"source": "hf://datasets/ada/nebulae"})
    with pytest.raises(RevisionMissing):
        prepare("ada/nebulae@never", side=32, cache=Path("cache"))
    with pytest.raises(RepoMissing):
        prepare("ada/nothing", side=32, cache=Path("cache"))


def test_offline_an_earlier_download_serves_and_is_told(home: Path, hub: HubServer) -> None:
    assert run(["publish", "sample", "--repo", "ada/nebulae", "-q"]) == 0
    before = prepare("ada/nebulae", side=32, cache=Path("cache"))
    notes: list[str] = []

    class Told(Silent):
        def note(self, text: str) -> None:
            notes.append(text)

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
        after = prepare("ada/nebulae", side=32, cache=Path("cache"), progress=Told())
        assert after.origin == before.origin
        assert "does not answer" in notes[0]
        with pytest.raises(HubBusy):
            prepare("ada/another", side=32, cache=Path("cache"))


def test_a_cache_that_was_killed_half_way_is_made_again(tmp_path: Path) -> None:
    place = folder_of_pictures(tmp_path / "pics", 5)
    whole = prepare(str(place), cache=tmp_path / "cache").train.pixels.copy()
    [folder] = (tmp_path / "cache").iterdir()
    (folder / "about.json").unlink()
    (folder / "train.u8").write_bytes(b"torn")
    assert np.array_equal(prepare(str(place), cache=tmp_path / "cache").train.pixels, whole)


def test_a_second_run_decodes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place = folder_of_pictures(tmp_path / "pics", 3)
    prepare(str(place), cache=tmp_path / "cache")
    monkeypatch.setattr(data, "decode_all", None)
    assert len(prepare(str(place), cache=tmp_path / "cache").train) == 3


def test_two_that_decode_the_same_do_not_write_into_each_other(tmp_path: Path) -> None:
    place = folder_of_pictures(tmp_path / "pics", 3)
    prepare(str(place), cache=tmp_path / "cache")
    [folder] = (tmp_path / "cache").iterdir()
    (folder / "about.json").unlink()
    with Workspace(folder).locked(), pytest.raises(WorkspaceBusy):
        prepare(str(place), cache=tmp_path / "cache")


def test_a_full_disk_is_said_before_decoding(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place = folder_of_pictures(tmp_path / "pics", 3)
    real = shutil.disk_usage(tmp_path)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: real._replace(free=100))
    with pytest.raises(DiskFull) as told:
        prepare(str(place), cache=tmp_path / "cache")
    assert told.value.needed == 3 * 32 * 32 * 3


def test_the_fingerprint_is_of_the_pictures_in_their_order(tmp_path: Path) -> None:
    place = table(tmp_path / "set", uid=list("ab"))
    digests = "".join(hashlib.sha256(png((10 * number, 0, 0))).hexdigest() for number in range(2))
    found = prepare(str(place), cache=tmp_path / "cache").origin.fingerprint
    assert found == hashlib.sha256(digests.encode()).hexdigest()


class Notes(Silent):
    """Progress that remembers what it was told."""

    def __init__(self) -> None:
        self.said: list[str] = []

    def note(self, text: str) -> None:
        self.said.append(text)


def cut_short(path: Path) -> None:
    """Replace a picture by half a JPEG."""
    file = io.BytesIO()
    Image.effect_noise((64, 64), 90).convert("RGB").save(file, "JPEG")
    path.write_bytes(file.getvalue()[: len(file.getvalue()) // 2])


@pytest.mark.parametrize("workers", [1, 2])
def test_pictures_that_cannot_be_decoded_are_left_out_by_name_and_counted(
    tmp_path: Path, workers: int
) -> None:
    place = folder_of_pictures(tmp_path / "pics", 70, side=8)
    good = folder_of_pictures(tmp_path / "good", 70, side=8)
    for number in (0, 3, 66, 68):
        cut_short(place / f"{number:02}.png")
        (good / f"{number:02}.png").unlink()
    first, again = Notes(), Notes()
    found = prepare(str(place), cache=tmp_path / "cache", progress=first, workers=workers)
    assert found.train.names == tuple(f"{n:02}.png" for n in range(70) if n not in (0, 3, 66, 68))
    assert found.origin.pictures == len(found.train) == 66
    assert dict(found.origin.refused) == {UNDECODABLE: 4}
    [said] = first.said
    assert "00.png (" in said
    assert "66.png (" in said
    assert said.endswith("and 1 more")
    assert prepare(str(place), cache=tmp_path / "cache", progress=again).origin == found.origin
    assert again.said == first.said

    whole = prepare(str(good), cache=tmp_path / "another")
    assert whole.origin.fingerprint == found.origin.fingerprint
    assert np.array_equal(whole.train.pixels, found.train.pixels)
    kept = data.decoded(found.origin, 32, tmp_path / "cache")
    assert kept is not None
    assert np.array_equal(kept.train.pixels, found.train.pixels)


def test_rows_of_a_dataset_that_cannot_be_decoded_count_no_licence(tmp_path: Path) -> None:
    place = tmp_path / "set"
    (place / "data").mkdir(parents=True)
    pictures = [{"bytes": png((9, 0, 0)), "path": "0"}, {"bytes": png((8, 0, 0))[:60], "path": "1"}]
    columns = {"image": pictures, "uid": ["a", "b"], "license": ["CC0-1.0", "CC-BY-4.0"]}
    pq.write_table(pa.table(columns), place / "data" / "train-00000-of-00001.parquet")
    found = prepare(str(place), cache=tmp_path / "cache")
    assert found.train.names == ("a",)
    assert dict(found.origin.licences) == {"CC0-1.0": 1}
    assert dict(found.origin.refused) == {UNDECODABLE: 1}


def test_nothing_decodable_is_no_picture_and_a_failing_disk_blames_no_picture(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = folder_of_pictures(tmp_path / "pics", 1)
    with monkeypatch.context() as patched:
        patched.setattr(
            decode, "open_upright", lambda *_, **__: (_ for _ in ()).throw(OSError(5, "I/O error"))
        )
        with pytest.raises(OSError, match="I/O error"):
            prepare(str(place), cache=tmp_path / "cache")
    assert len(prepare(str(place), cache=tmp_path / "cache").train) == 1
    cut_short(place / "00.png")
    with pytest.raises(NoPictures, match="1 because cannot be decoded"):
        prepare(str(place), cache=tmp_path / "cache")
