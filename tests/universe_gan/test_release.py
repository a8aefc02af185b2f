"""A trained model on a Hub on loopback: published, read back, drawn from, refused."""

import json
from pathlib import Path

import pytest
import yaml
from hub_repositories import Blob, Repo
from hub_server import HubServer

torch = pytest.importorskip("torch", reason="PyTorch is not installed")

from toys import SIDE  # noqa: E402
from trained import run_folder  # noqa: E402

from collectors.storage.files import Journal  # noqa: E402
from universe_gan import Generator, downloads, release  # noqa: E402
from universe_gan.data import prepare  # noqa: E402
from universe_gan.downloads import ModelBroken  # noqa: E402
from universe_gan.generate import checkpoint_of  # noqa: E402
from universe_gan.shell.cli import run  # noqa: E402
from universe_gan.shell.exits import Exit  # noqa: E402
from universe_gan.training.runs import read  # noqa: E402

RUN = "runs/0001-toy"
KEY = "models/ada/toy"
FILES = {"README.md", "config.json", "generator.safetensors", "metrics.json", "samples.png"}
FIGURES = {
    "extractor": "inception:/srv/ada/secret/weights.pth",
    "against": "held out",
    "judged": 100,
    "kid": 0.0123,
    "kid_low": 0.01,
    "kid_high": 0.02,
    "fd": 30.5,
    "fd_floor": 12.25,
    "fd_pictures": 50,
    "coverage": 0.91,
    "recall": 0.8,
    "memorisation": 0.97,
    "spectrum_db": 0.5,
    "colour": 3.0,
}


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, hub: HubServer) -> Path:
    """The current folder, with one run that was judged; downloads go into a cache of their own."""
    import huggingface_hub.constants

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path / "hub-cache"))
    path = run_folder(tmp_path / "runs")
    journal = Journal(path / "judged.jsonl")
    sha256 = Generator.load(path, "cpu").sha256
    journal.append({**FIGURES, "run": str(path), "checkpoint_sha256": sha256})
    journal.append({**FIGURES, "kid": 9.0, "checkpoint_sha256": "0" * 64})
    journal.close()
    return tmp_path


def publish(*flags: str) -> int:
    return run(["publish", RUN, "--repo", "ada/toy", *flags])


def metadata(card: str) -> dict[str, object]:
    found: dict[str, object] = yaml.safe_load(card.split("---")[1])
    return found


def test_a_published_model_draws_what_the_run_draws(place: Path, hub: HubServer) -> None:
    assert publish() == Exit.DONE
    repo = hub.repos[KEY]
    assert set(repo.main.files) == FILES | {".gitattributes"}
    assert {name: (place / RUN / "release" / name).read_bytes() for name in FILES} == {
        name: repo.main.files[name].data for name in FILES
    }
    local, theirs = Generator.load(RUN, "cpu"), Generator.load("ada/toy", "cpu")
    for one, two in zip(local.pictures(range(3)), theirs.pictures(range(3)), strict=True):
        assert one.tobytes() == two.tobytes()
    facts = theirs.provenance(seed=0)
    assert facts["model_repo"] == "ada/toy"
    assert facts["model_revision"] == repo.main.oid
    assert facts["weights_sha256"] == repo.main.files["generator.safetensors"].sha256
    assert facts["checkpoint_sha256"] == local.sha256


def test_the_second_publish_sends_nothing(
    place: Path, hub: HubServer, capsys: pytest.CaptureFixture[str]
) -> None:
    assert publish() == Exit.DONE
    sent, commits = hub.uploaded, len(hub.repos[KEY].commits)
    capsys.readouterr()
    for _ in range(3):
        assert publish() == Exit.DONE
    assert "nothing to do" in capsys.readouterr().out
    assert (hub.uploaded, len(hub.repos[KEY].commits)) == (sent, commits)


def test_generate_takes_a_model_by_name_and_revision_and_works_when_nobody_answers(
    place: Path, hub: HubServer, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert publish("--tag", "v1") == Exit.DONE
    words = ["generate", "ada/toy@v1", "--seeds", "0-1", "--device", "cpu", "--json"]
    capsys.readouterr()
    assert run(words) == Exit.DONE
    told = json.loads(capsys.readouterr().out)
    assert told["model_revision"] == hub.repos[KEY].main.oid
    first = (place / "generated" / "toy" / "seed-000001.png").read_bytes()
    hub.fault(503, ".*")
    assert run([*words, "--to", "again"]) == Exit.DONE
    assert "does not answer" in capsys.readouterr().err
    assert (place / "again" / "seed-000001.png").read_bytes() == first


def test_the_card_says_what_it_learned_from_and_how_good_it_is(place: Path, hub: HubServer) -> None:
    assert publish() == Exit.DONE
    card = hub.repos[KEY].main.files["README.md"].data.decode()
    said = metadata(card)
    assert said["license"] == "other"
    assert said["library_name"] == "universe-gan"
    assert said["pipeline_tag"] == "unconditional-image-generation"
    assert said["datasets"] == ["ada/nebulae"]
    assert {"gan", "synthetic", "stylegan2"} <= set(said["tags"])  # type: ignore[call-overload]
    for words in (
        "0.0123 (0.0100 to 0.0200)",
        "30.50",
        "12.25",
        "0.91",
        "0.97",
        "a" * 40,
        "CC BY 4.0",
        "| 7 |",
    ):
        assert words in card
    assert "universe-gan generate ada/toy" in card
    assert "No licence is claimed" in card


def test_no_folder_of_this_machine_goes_out(place: Path, hub: HubServer) -> None:
    path = place / RUN / "run.json"
    text = path.read_text().replace('"revision":"' + "a" * 40 + '"', '"revision":null')
    text = text.replace('"revision": "' + "a" * 40 + '"', '"revision": null')
    path.write_text(text.replace("ada/nebulae", "/srv/ada/secret/pictures"))
    about = read(place / RUN).about
    assert about.origin.source.startswith("/srv")
    checkpoint = checkpoint_of(place / RUN)
    tensors, facts = release.checkpoints.read(checkpoint)
    release.checkpoints.write(checkpoint, tensors, {**facts, "about": about.model_dump(mode="json")})
    assert publish() == Exit.DONE
    files = {name: blob.data for name, blob in hub.repos[KEY].main.files.items()}
    assert not [name for name, data in files.items() if b"secret" in data]
    card = files["README.md"].decode()
    assert "**not published**" in card
    assert "datasets" not in metadata(card)


def test_tampered_weights_are_refused(
    place: Path, hub: HubServer, capsys: pytest.CaptureFixture[str]
) -> None:
    assert publish() == Exit.DONE
    repo = hub.repos[KEY]
    data = bytearray(repo.main.files["generator.safetensors"].data)
    data[-1] ^= 1
    repo.commit(
        "refs/heads/main",
        "tampered",
        {**repo.main.files, "generator.safetensors": Blob(bytes(data), True)},
        repo.main.oid,
    )
    with pytest.raises(ModelBroken, match="SHA-256"):
        Generator.load("ada/toy", "cpu")
    assert run(["generate", "ada/toy", "--device", "cpu"]) == Exit.INPUT
    assert "its config says" in capsys.readouterr().err


def test_a_strangers_model_and_a_missing_one_are_told_apart(
    place: Path, hub: HubServer, capsys: pytest.CaptureFixture[str]
) -> None:
    repo = hub.repos["models/eve/other"] = Repo("models/eve/other", private=False)
    repo.commit("refs/heads/main", "theirs", {"config.json": Blob(b'{"a": 1}', False)}, None)
    assert run(["generate", "eve/other", "--device", "cpu"]) == Exit.INPUT
    assert "not of our making" in capsys.readouterr().err
    assert run(["generate", "eve/nothing", "--device", "cpu"]) == Exit.INPUT
    assert "has no eve/nothing" in capsys.readouterr().err
    assert downloads.named("runs/0009-gone") is None, "a folder that is here is never sought on the Hub"


@pytest.mark.parametrize(
    ("flags", "code", "said"),
    [
        (["--repo", "bob/toy"], Exit.CREDENTIAL, "bob is not yours"),
        ([], Exit.USAGE, "--repo USER/NAME"),
        (["--repo", "ada/toy", "--licence", "CC0-1.0"], Exit.INPUT, "under CC-BY-4.0, which asks for credit"),
        (["--repo", "ada/toy", "--licence", "Nonsense-1.0"], Exit.INPUT, "no licence of that SPDX id"),
        (["--repo", "ada/toy", "--set", "train.kimg=1"], Exit.USAGE, "go with a recipe"),
    ],
)
def test_what_may_not_be_published_is_refused_before_anything_is_drawn(
    place: Path, hub: HubServer, capsys: pytest.CaptureFixture[str], flags: list[str], code: Exit, said: str
) -> None:
    assert run(["publish", RUN, *flags]) == code
    assert said in capsys.readouterr().err
    assert hub.repos == {}
    assert not (place / RUN / "release").exists()


def test_without_a_token_or_a_checkpoint_nothing_is_drawn(
    place: Path, hub: HubServer, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("HF_TOKEN")
    assert publish() == Exit.CREDENTIAL
    assert "no token" in capsys.readouterr().err
    (place / RUN / "latest.safetensors").unlink()
    assert publish() == Exit.INPUT
    assert "holds no checkpoint" in capsys.readouterr().err
    assert not (place / RUN / "release").exists()


def test_a_licence_that_the_pictures_bear_stands_on_the_card(place: Path, hub: HubServer) -> None:
    assert publish("--licence", "CC-BY-4.0", "--private", "-n") == Exit.DONE
    assert hub.repos == {}, "a dry run sends nothing"
    assert publish("--licence", "CC-BY-4.0", "--private") == Exit.DONE
    assert hub.repos[KEY].private
    card = hub.repos[KEY].main.files["README.md"].data.decode()
    assert metadata(card)["license"] == "cc-by-4.0"


def test_a_change_to_a_published_model_waits_in_a_pull_request(
    place: Path, hub: HubServer, capsys: pytest.CaptureFixture[str]
) -> None:
    assert publish() == Exit.DONE
    before = hub.repos[KEY].main.oid
    assert publish("--licence", "CC-BY-4.0", "--message", "State the licence") == Exit.DONE
    assert f"{hub.endpoint}/ada/toy/discussions/1" in capsys.readouterr().out
    assert hub.repos[KEY].main.oid == before
    assert hub.repos[KEY].pulls[1]["title"] == "State the licence"
    head = hub.repos[KEY].commits[hub.repos[KEY].refs["refs/pr/1"]]
    changed = {name for name in FILES if head.files[name] != hub.repos[KEY].main.files[name]}
    assert changed == {"README.md"}


def test_a_build_that_was_published_after_the_training_is_known_again(
    home: Path, hub: HubServer, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    import huggingface_hub.constants

    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(home / "hub-cache"))
    learned = prepare("data/sample/dataset", side=SIDE, cache=home / "cache").origin
    sample = str(run_folder(home / "runs", "sample", learned=learned))

    def card(*flags: str) -> str:
        capsys.readouterr()
        assert run(["publish", sample, "--repo", "ada/gan", "-n", *flags]) == Exit.DONE
        return (Path(sample) / "release" / "README.md").read_text()

    assert "**not published**" in card()
    assert "the dataset is not published" in capsys.readouterr().err
    assert run(["publish", "sample", "--repo", "ada/nebulae"]) == Exit.DONE
    commit = hub.repos["ada/nebulae"].main.oid
    assert metadata(told := card())["datasets"] == ["ada/nebulae"]
    assert f"at revision `{commit}`" in told
    out, err = capsys.readouterr()
    assert f"ada/nebulae@{commit[:12]}, published since" in out
    assert "not published" not in err
    about = json.loads((Path(sample) / "release" / "config.json").read_text())["about"]
    assert (about["origin"]["source"], about["origin"]["revision"]) == ("ada/nebulae", commit)

    assert run(["takedown", "sample", "folder:m42-orion.jpg"]) == Exit.DONE
    assert run(["build", "sample", "-q", "--workers", "1"]) == Exit.DONE
    assert run(["publish", "sample", "--repo", "ada/nebulae", "--pull-request", "never"]) == Exit.DONE
    assert "**not published**" in card("--json")
    out, err = capsys.readouterr()
    assert "what ada/nebulae holds now is not what this run learned from" in err
    assert "may have learned from what was taken down since: folder:" in err
    assert "folder:m42-orion.jpg" in json.loads(out)["taken_down"]
