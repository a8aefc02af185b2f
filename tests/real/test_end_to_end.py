"""From a real MediaWiki to a dataset through the command line: calm, disturbed or killed, with one result."""

import hashlib
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from faulty import ALL_FAULTS, FaultServer, Flip, Plan
from faulty import seeded as seeded_plan
from real.mediawiki import RealWiki

from collectors import manifest as manifests
from collectors.record import Reason
from collectors.storage.stores import Store
from universe_gan.shell.exits import Exit

pytestmark = pytest.mark.mediawiki

ROOT = Path(__file__).parents[2]
AT = "1793577600"
"""`SOURCE_DATE_EPOCH` of every run here, so that manifests can be compared byte for byte."""

RECIPE = """
[collect]
subject  = "nebula"
min_side = 256

[collect.commons]
api        = "{api}"
categories = ["{category}"]
depth      = 5
exclude    = ["*(software)*", "*logo*"]

[curate]
size = 256
"""


def a_project(home: Path, api: str, category: str = "Nebulae") -> Path:
    path = home / "manifests" / "nebulae.toml"
    path.parent.mkdir(parents=True)
    path.write_text(RECIPE.format(api=api, category=category))
    return home


def start(home: Path, *arguments: str) -> subprocess.Popen[str]:
    environment = {**os.environ, "SOURCE_DATE_EPOCH": AT, "PYTHONPATH": str(ROOT), "NO_COLOR": "1"}
    environment.pop("UNIVERSE_GAN_CONTACT", None)
    return subprocess.Popen(
        [sys.executable, "-m", "universe_gan", *arguments],
        cwd=home,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def universe_gan(home: Path, *arguments: str) -> tuple[int, str, str]:
    process = start(home, *arguments)
    out, err = process.communicate(timeout=240)
    return process.returncode, out, err


@pytest.fixture(scope="module")
def calm(wiki: RealWiki, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project that was built in one go."""
    home = a_project(tmp_path_factory.mktemp("calm"), wiki.api)
    code, out, err = universe_gan(home, "build", "nebulae")
    assert code == Exit.DONE, out + err
    return home


def manifest_of(home: Path) -> bytes:
    return (home / "manifests" / "nebulae.jsonl").read_bytes()


def test_a_wiki_becomes_a_dataset_that_loads_without_our_code(calm: Path, tmp_path: Path) -> None:
    code = """
import json, sys
from datasets import load_dataset
rows = load_dataset(sys.argv[1], split="train")
sizes = {row["image"].size for row in rows}
print(json.dumps({"rows": len(rows), "sizes": sorted(sizes), "licences": sorted(set(rows["license"])),
                  "credited": all(rows["credit_line"]), "pages": all(rows["page"])}))
"""
    done = subprocess.run(
        [sys.executable, "-I", "-c", code, str(calm / "data" / "nebulae" / "dataset")],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env={**os.environ, "HF_HUB_OFFLINE": "1", "HF_HOME": str(tmp_path)},
    )
    assert done.returncode == 0, done.stderr
    value = json.loads(done.stdout)
    assert value["sizes"] == [[256, 256]]
    assert value["rows"] >= 20
    assert value["credited"]
    assert value["pages"]
    assert {"CC-BY-4.0", "CC-BY-SA-3.0", "CC0-1.0"} <= set(value["licences"])
    assert not {"NOASSERTION", "LicenseRef-NonFree", "CC-BY-NC-2.0", "CC-BY-ND-2.0"} & set(value["licences"])


def test_nothing_forbidden_was_downloaded(calm: Path) -> None:
    manifest = manifests.read(calm / "manifests" / "nebulae.jsonl")
    stored = {path.name for path in (calm / "data" / "nebulae" / "originals").rglob("*") if path.is_file()}
    assert stored == {record.file.sha256 for record in manifest.records if record.file}
    reasons = {record.refused.reason for record in manifest.records if record.refused}
    assert reasons >= {Reason.NO_LICENCE, Reason.LICENCE_REFUSED}
    assert manifest.header.skipped["not-an-image"] >= 2


def test_every_file_has_the_bytes_the_wiki_describes(calm: Path) -> None:
    store = Store(calm / "data" / "nebulae" / "originals")
    for record in manifests.read(calm / "manifests" / "nebulae.jsonl").records:
        if record.file:
            assert hashlib.sha1(store.read(record.file.sha256)).hexdigest() == record.original.sha1


def test_a_second_build_asks_nothing_and_changes_nothing(calm: Path) -> None:
    before = manifest_of(calm)
    code, out, err = universe_gan(calm, "build", "nebulae", "--json")
    assert code == Exit.DONE, err
    assert json.loads(out)["collect"]["fetched_bytes"] == 0
    assert manifest_of(calm) == before


def test_locked_rebuilds_the_same_dataset_in_an_empty_workspace(calm: Path, tmp_path: Path) -> None:
    code, out, err = universe_gan(calm, "build", "nebulae", "--locked", "--data", str(tmp_path))
    assert code == Exit.DONE, out + err
    ours = calm / "data" / "nebulae" / "dataset"
    files = [path for path in ours.rglob("*") if path.is_file()]
    assert any(path.suffix == ".parquet" for path in files)
    for path in files:
        assert path.read_bytes() == (tmp_path / "nebulae" / "dataset" / path.relative_to(ours)).read_bytes()


def test_relicense_works_offline_and_finds_nothing_to_change(calm: Path) -> None:
    before = manifest_of(calm)
    code, out, err = universe_gan(calm, "relicense", "nebulae", "--json")
    assert code == Exit.DONE, err
    value = json.loads(out)
    assert (value["changes"], value["without_answer"]) == ([], [])
    assert manifest_of(calm) == before


@pytest.fixture
def seeded() -> random.Random:
    return random.Random(20261122)


def test_killed_at_six_random_moments_the_result_is_the_same(
    wiki: RealWiki, calm: Path, tmp_path: Path, seeded: random.Random
) -> None:
    begin = time.monotonic()
    assert universe_gan(a_project(tmp_path / "timed", wiki.api), "build", "nebulae")[0] == Exit.DONE
    whole = time.monotonic() - begin
    home = a_project(tmp_path / "killed", wiki.api)
    killed = 0
    for _ in range(24):
        process = start(home, "build", "nebulae")
        time.sleep(seeded.uniform(0.1, whole * 0.7))
        at_work = process.poll() is None
        process.send_signal(signal.SIGKILL)
        process.communicate()
        killed += at_work
        if killed == 6:
            break
        if not at_work:  # the machine has become quicker, or little was left to do: begin anew, and sooner
            shutil.rmtree(home / "data")
            whole *= 0.7
    assert killed == 6, "it was too quick to be killed at work"
    code, out, err = universe_gan(home, "build", "nebulae")
    assert code == Exit.DONE, out + err
    assert manifest_of(home) == manifest_of(calm)
    for path in (calm / "data" / "nebulae" / "dataset").rglob("*"):
        if path.is_file():
            assert path.read_bytes() == (home / path.relative_to(calm)).read_bytes(), path


def test_killed_again_and_again_it_still_gets_there(
    wiki: RealWiki, calm: Path, tmp_path: Path, seeded: random.Random
) -> None:
    """Every try lives a little longer; each goes on where the one before was killed."""
    home = a_project(tmp_path, wiki.api)
    for attempt in range(60):
        process = start(home, "collect", "nebulae")
        try:
            process.communicate(timeout=0.8 + 0.2 * attempt + seeded.uniform(0, 0.3))
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()
        else:
            break
    assert process.returncode == Exit.DONE
    assert attempt >= 2, "it was never killed"
    assert manifest_of(home) == manifest_of(calm)


def every_fault_that_can_be_noticed(seed: int) -> Plan:
    """Files may be damaged in any way, for their hash is known; nobody can see a flipped bit of an answer."""
    files = seeded_plan(seed, 0.4, ALL_FAULTS)
    answers = seeded_plan(seed, 0.4, [fault for fault in ALL_FAULTS if not isinstance(fault, Flip)])
    return lambda asked: (files if asked.is_file else answers)(asked)


def test_a_host_that_misbehaves_in_every_way_changes_nothing(wiki: RealWiki, tmp_path: Path) -> None:
    """The same wiki behind a proxy: once calm, once with every second request or so going wrong."""
    with FaultServer(upstream=wiki.address) as proxy:
        proxy.rewrite = (wiki.address, proxy.base)
        api = wiki.api.replace(wiki.address, proxy.base)
        calm = a_project(tmp_path / "calm", api)
        assert universe_gan(calm, "collect", "nebulae")[0] == Exit.DONE
        for seed in range(3):
            proxy.plan, proxy.asked = every_fault_that_can_be_noticed(seed), []
            home = a_project(tmp_path / f"disturbed-{seed}", api)
            for _ in range(8):
                code, out, err = universe_gan(home, "collect", "nebulae")
                if code == Exit.DONE:
                    break
                assert code in (Exit.BUSY, Exit.SOME_FAILED), out + err
            assert code == Exit.DONE, out + err
            assert sum(asked.fault is not None for asked in proxy.asked) > 30
            assert manifest_of(home) == manifest_of(calm)
            for record in manifests.read(home / "manifests" / "nebulae.jsonl").records:
                if record.file:
                    data = Store(home / "data" / "nebulae" / "originals").read(record.file.sha256)
                    assert hashlib.sha256(data).hexdigest() == record.file.sha256


@pytest.mark.parametrize(
    ("category", "code", "words"),
    [
        ("Nebulas of nowhere", Exit.INPUT, "Category:Nebulas of nowhere does not exist"),
        ("Empty nebulae", Exit.INPUT, "nothing found"),
    ],
)
def test_a_category_that_holds_nothing_is_said(
    wiki: RealWiki, tmp_path: Path, category: str, code: Exit, words: str
) -> None:
    wiki.act("edit", title="Category:Empty nebulae", text="Nothing here.")
    home = a_project(tmp_path, wiki.api, category)
    got, out, err = universe_gan(home, "collect", "nebulae")
    assert (got, words in err) == (code, True), out + err
    assert not (home / "manifests" / "nebulae.jsonl").exists()


def test_an_address_that_is_no_wiki_is_said(wiki: RealWiki, tmp_path: Path) -> None:
    code, _, err = universe_gan(
        a_project(tmp_path, wiki.api.replace("/w/api.php", "/nothing/api.php")), "collect", "nebulae"
    )
    assert code == Exit.INPUT
    assert "does not answer like a MediaWiki API" in err
