"""How quick the report is with many images: built from made-up skies, opened and filtered in Chromium.

    python benchmarks/report.py [--images 2000] [--rounds 5] [--folder F] [--keep DIR] [--json F]

Three quarters of the images are kept, the others are copies, screened out or refused; every one has its own
picture (skies of our own making, or views of the pictures in a folder) of 640 x 440 pixels, evidence, scores
and marks. Measured are writing the page, with and without thumbnails at hand; its size and number of
elements; the first paint and the load event; and for each action the time from the event to the frame after
the one that shows its result. Medians over the rounds, a fresh page each. Needs playwright and Chromium.
"""

import argparse
import json
import os
import random
import statistics
import tempfile
import time
from collections.abc import Mapping, Sequence
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from collectors import manifest as manifests
from collectors.record import Reason, Record, Verdict
from collectors.storage.workspace import Workspace
from curation.duplicates.edges import Edge, EdgeKind
from curation.judged import Judged
from curation.reporting import report
from curation.settings import CurateSettings, PolicySettings

SIZE = (640, 440)
BOX = (100, 0, 540, 440)
CHROMIUM = Path("/usr/bin/chromium")
GOALS = {"load, s": 1.5, "filter, ms": 100, "page, MB": 30}
LICENCES = (("CC-BY-4.0", "by"), ("CC-BY-SA-4.0", "sa"), ("CC0-1.0", "pd"), ("CC-BY-SA-3.0", "sa"))
SCREENED = (Reason.DIAGRAM, Reason.TEXT, Reason.FRAME, Reason.COLLAGE, Reason.BLURRED, Reason.BLANK)

ACTIONS = {
    "type a letter": "field('q').value = 'o'",
    "type a word": "field('q').value = 'nebula 12'",
    "empty the search": "field('q').value = ''",
    "switch a chip on": "chip().checked = true",
    "switch it off": "chip().checked = false",
    "only what was left out": "pick('out')",
    "everything again": "pick('all')",
    "whole pictures": "document.getElementById('whole').checked = true",
}
ACT = """
async (change) => {
  const form = document.getElementById('filters');
  const field = (name) => form.elements[name];
  const chip = () => form.querySelector('[name=class]');
  const pick = (value) => { form.querySelector(`[name=show][value=${value}]`).checked = true; };
  await new Promise((done) => setTimeout(done, 150));
  const began = performance.now();
  eval(change);
  form.dispatchEvent(new Event('input', { bubbles: true }));
  await new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(done))));
  return performance.now() - began;
}
"""
OPENED = """
() => {
  const [whole] = performance.getEntriesByType('navigation');
  const paint = performance.getEntriesByName('first-contentful-paint')[0];
  return {
    paint: paint ? paint.startTime : 0,
    load: whole.loadEventEnd,
    elements: document.getElementsByTagName('*').length,
  };
}
"""


def main() -> None:
    """Measure, print the table, write the JSON."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n\n")[0])
    parser.add_argument("--images", type=int, default=2000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--folder", type=Path, help="pictures to take the views from")
    parser.add_argument("--keep", type=Path, help="where the workspace stays, for a second look")
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        workspace = Workspace(arguments.keep or Path(scratch))
        found = written(workspace, arguments.images, arguments.folder)
        found |= opened(workspace.report, arguments.rounds)
    tell(found, arguments.images)
    if arguments.json:
        arguments.json.write_text(json.dumps(found, indent=2))


def written(workspace: Workspace, images: int, folder: Path | None) -> dict[str, Any]:
    """Make the collection and write its report twice: thumbnails are made the first time only."""
    records, judged = collection(workspace, images, folder)
    manifest = manifests.seal(
        records,
        name="bench",
        subject="nebula",
        recipe_sha256="0" * 64,
        tool="bench",
        skipped={"not-needed": 9},
    )
    seconds = []
    for _ in range(2):
        began = time.perf_counter()
        report.write(
            manifest, judged, workspace, policy=PolicySettings(), settings=CurateSettings(), title="Benchmark"
        )
        seconds.append(time.perf_counter() - began)
    size = workspace.report.stat().st_size / 1e6
    return {"write first, s": seconds[0], "write again, s": seconds[1], "page, MB": size}


def collection(
    workspace: Workspace, images: int, folder: Path | None
) -> tuple[Sequence[Record], Sequence[Judged]]:
    """Records with originals on the disk, and what curation might have said of them."""
    dice = random.Random(1)
    grounds = [np.asarray(picture) for picture in views(folder)]
    records, judged = [], []
    for number in range(images):
        record = a_record(number, dice)
        data = BytesIO()
        if number % 20 < 19:  # every twentieth is refused
            picture(grounds, number).save(data, "JPEG", quality=88)
            sha256 = workspace.originals.add(data.getvalue())
            file = {"sha256": sha256, "bytes": len(data.getvalue()), "mime": "image/jpeg"}
            record = Record.model_validate(record.model_dump() | {"file": file, "refused": None})
            judged.append(a_judgement(record, number, dice))
        records.append(record)
    return records, judged


def views(folder: Path | None) -> list[Image.Image]:
    """About forty pictures, twice the size that is needed."""
    size = (2 * SIZE[0], 2 * SIZE[1])
    if folder:
        paths = sorted(path for path in folder.iterdir() if path.suffix.lower() in {".png", ".jpg", ".jpeg"})
        return [Image.open(path).convert("RGB").resize(size) for path in paths[:: max(1, len(paths) // 40)]]
    return [a_sky(seed, size) for seed in range(40)]


def a_sky(seed: int, size: tuple[int, int]) -> Image.Image:
    """Clouds with a steep spectrum under stars."""
    dice = np.random.default_rng(seed)
    width, height = size
    distance = np.hypot(np.fft.fftfreq(height)[:, None] * height, np.fft.fftfreq(width)[None, :] * width)
    falloff = 1 / np.maximum(distance, 1) ** 1.8
    layers = []
    for _ in range(3):
        cloud = np.fft.ifft2(np.fft.fft2(dice.normal(size=(height, width))) * falloff).real
        layers.append(np.clip(cloud / cloud.std() + 0.2, 0, None) * 45)
    stars = np.zeros((height, width))
    count = width * height // 900
    stars[dice.integers(0, height, count), dice.integers(0, width, count)] = 60 * dice.pareto(1.5, count) + 60
    spread = sum(np.roll(stars, (y, x), (0, 1)) for y in (-1, 0, 1) for x in (-1, 0, 1)) / 2
    sky = np.stack([layer + spread for layer in layers], axis=-1)
    return Image.fromarray(np.clip(sky + 4, 0, 255).astype(np.uint8))


def picture(grounds: Sequence[Any], number: int) -> Image.Image:
    """Another part of another sky for every number, every second one mirrored."""
    ground = grounds[number % len(grounds)]
    dice = random.Random(number)
    top, left = dice.randrange(ground.shape[0] - SIZE[1]), dice.randrange(ground.shape[1] - SIZE[0])
    part = ground[top : top + SIZE[1], left : left + SIZE[0]]
    return Image.fromarray(np.ascontiguousarray(part[:, ::-1] if number % 2 else part))


def a_record(number: int, dice: random.Random) -> Record:
    licence, cls = dice.choice(LICENCES)
    page = f"https://commons.wikimedia.org/wiki/File:Nebula_{number}.jpg"
    evidence = [
        {"channel": "extmetadata", "field": field, "value": value, "url": page, "at": "2026-11-02T10:00:00Z"}
        for field, value in (
            ("LicenseShortName", licence),
            ("LicenseUrl", f"https://creativecommons.org/licenses/{licence.lower()}"),
            ("Artist", f"Observer {number % 97}"),
            ("Credit", "Own work, taken with a small telescope from a dark place"),
        )
    ]
    return Record.model_validate(
        {
            "uid": f"commons:M{number:06}",
            "source": ("commons", "nasa", "flickr")[number % 3],
            "subject": "nebula",
            "title": f"File:Nebula {number} in {dice.choice(('Orion', 'Cygnus', 'Lyra'))}, a mosaic.jpg",
            "page": page,
            "found_by": {"query": "Emission nebulae"},
            "original": {"url": f"{page}?file", "taken": f"{1995 + number % 30}-05-01"},
            "refused": {"reason": "licence-refused", "detail": "CC-BY-NC-4.0 (nc) is not in [policy] allow"},
            "creator": {"name": f"Observer {number % 97}" if number % 11 else None},
            "credit_line": f"“Nebula {number}”",
            "rights": {
                "expression": licence,
                "chosen": licence,
                "class": cls,
                "attribution": cls != "pd",
                "share_alike": cls == "sa",
                "commercial": True,
                "derivatives": True,
                "confidence": "stated" if number % 7 else "inferred",
                "conflict": "a template says CC-BY-SA-4.0, a category CC-BY-3.0"
                if number % 40 == 3
                else None,
            },
            "evidence": evidence,
            "seen": {"first": "2026-11-02T10:00:00Z"},
        }
    )


def a_judgement(record: Record, number: int, dice: random.Random) -> Judged:
    scores = {
        name: round(dice.betavariate(1, 6), 3) for name in ("diagram", "text", "frame", "collage", "blurred")
    }
    known: dict[str, Any] = {"uid": record.uid, "width": SIZE[0], "height": SIZE[1], "scores": scores}
    if number % 10 == 1:  # a copy of the one before it
        twin = f"commons:M{number - 1:06}"
        edge = Edge(
            first=twin,
            second=record.uid,
            kind=EdgeKind.VERIFIED,
            inliers=84,
            scale=0.5,
            agreement=0.97,
            angle=4,
        )
        verdict = Verdict(reason=Reason.DUPLICATE, detail=edge.words, twin=twin)
        why = f"{twin} was kept: more pixels (0.3 megapixels, not 0.1)"
        return Judged.model_validate(known | {"verdict": verdict, "edge": edge, "notes": (why,)})
    if number % 10 == 4:
        reason = SCREENED[number // 10 % len(SCREENED)]
        scores[reason.value] = round(dice.uniform(0.5, 1), 3)
        return Judged.model_validate(known | {"verdict": Verdict(reason=reason, detail="by its score")})
    lost = {"centre": round(dice.betavariate(1, 8), 3), "subject": 0.0} if number % 5 == 0 else {}
    split = "test" if number % 10 == 7 else "train"
    doubts = tuple(name for name, score in scores.items() if score > 0.4)
    update = {
        "verdict": Verdict(),
        "box": BOX,
        "crop": "centre",
        "lost": lost,
        "split": split,
        "doubts": doubts,
    }
    return Judged.model_validate(known | update)


def opened(page: Path, rounds: int) -> dict[str, Any]:
    """Medians of what Chromium takes to open the page and to answer."""
    from playwright.sync_api import sync_playwright

    found: dict[str, list[float]] = {}
    with sync_playwright() as playwright:
        path = str(CHROMIUM) if CHROMIUM.exists() else None
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        for _ in range(rounds):
            context = browser.new_context(viewport={"width": 1300, "height": 900}, bypass_csp=True)
            tab = context.new_page()
            tab.goto(page.as_uri(), wait_until="load")
            tab.wait_for_function("performance.getEntriesByName('first-contentful-paint').length > 0")
            facts: Mapping[str, float] = tab.evaluate(OPENED)
            found.setdefault("first paint, s", []).append(facts["paint"] / 1000)
            found.setdefault("load, s", []).append(facts["load"] / 1000)
            found.setdefault("elements", []).append(facts["elements"])
            tab.evaluate("document.getElementById('pictures').scrollIntoView()")
            for name, change in ACTIONS.items():
                found.setdefault(f"{name}, ms", []).append(tab.evaluate(ACT, change))
            context.close()
        version = browser.version
        browser.close()
    medians = {name: statistics.median(values) for name, values in found.items()}
    slowest = max(medians[f"{name}, ms"] for name in ACTIONS if name != "whole pictures")
    return medians | {"filter, ms": slowest, "chromium": version}


def tell(found: Mapping[str, Any], images: int) -> None:
    """The table."""
    print(
        f"{images:,} images, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}, "
        f"Chromium {found['chromium']}"
    )
    for name, value in found.items():
        if isinstance(value, str):
            continue
        goal = f"   goal < {GOALS[name]:g}" if name in GOALS else ""
        print(f"  {name:<28}{value:>10,.{0 if value >= 100 else 2}f}{goal}")


if __name__ == "__main__":
    main()
