"""The pictures of the README and the documentation, made again from the demo: `make pictures`.

    python docs/pictures.py [DEMO]

DEMO is the folder that `universe-gan demo` wrote; without one the demo runs first, in a temporary folder.
Needs Chromium and playwright (extra `test`). All that is seen is the sample, whose authors and licences
LICENSES.md names, and what was made of it.
"""

import subprocess
import sys
import tempfile
from io import BytesIO
from pathlib import Path

from PIL import Image

HERE = Path(__file__).parent
CHROMIUM = "/usr/bin/chromium"
LIMIT = 200_000
"""Bytes of all pictures together."""

PAGES = {
    "report": ("data/sample/report.html", 1200, 1150),
    "audit": ("data/sample/audit/audit.html", 1200, 620),
    "compare": ("studies/sample-toy/compare.html", 1200, 900),
}
"""Name → page of the demo, width and height of what is shown of it."""


def main(arguments: list[str]) -> None:
    """Write every picture, and say how large they are."""
    with tempfile.TemporaryDirectory() as folder:
        demo = Path(arguments[0]) if arguments else _demo(Path(folder))
        pictures = {**_pages(demo), "sheet": demo / "data/sample/dataset/thumbnails.webp"}
        total = 0
        for name, source in pictures.items():
            with Image.open(source) as picture:
                small = picture.convert("RGB")
            small.thumbnail((1000, 900))
            out = HERE / "images" / f"{name}.webp"
            small.save(out, quality=72, method=6)
            total += out.stat().st_size
            print(f"{out.name}  {small.width} x {small.height}, {out.stat().st_size / 1000:.0f} kB")
    if total > LIMIT:
        sys.exit(f"{total} bytes in all; the limit is {LIMIT}")


def _demo(folder: Path) -> Path:
    command = [sys.executable, "-m", "universe_gan", "demo", "--to", str(folder / "demo")]
    subprocess.run(command, check=True)  # noqa: S603 (our own words)
    return folder / "demo"


def _pages(demo: Path) -> dict[str, BytesIO]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        shots = {}
        for name, (page_name, width, height) in PAGES.items():
            page = browser.new_page(viewport={"width": width, "height": height}, color_scheme="light")
            page.goto((demo / page_name).resolve().as_uri())
            page.wait_for_timeout(500)
            shots[name] = BytesIO(page.screenshot())
        browser.close()
    return shots


if __name__ == "__main__":
    main(sys.argv[1:])
