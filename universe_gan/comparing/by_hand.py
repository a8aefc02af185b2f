"""Generated pictures accepted or rejected by hand: a page over a folder that the machine has ranked.

It reads and writes the files of `selecting.rankings`; a decision is on disk before the page hears of it.
"""

import threading
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from werkzeug.exceptions import BadRequest, NotFound
from werkzeug.wrappers import Request, Response

from collectors.formats import FORMATS
from collectors.storage.files import Journal
from curation.reporting.page import inline, templates
from universe_gan.comparing import server
from universe_gan.selecting.rankings import DECISIONS, Candidate, Decision, candidates, decisions

SMALL = 256
"""Longer side of the pictures in the grid."""
Nearest = Callable[[Any], NDArray[np.uint8] | None]
"""From what a line names as `nearest` to that training picture, (side, side, 3); `None`: it is not here."""


def serve_selection(
    folder: Path,
    *,
    nearest: Nearest = lambda name: None,
    title: str = "",
    port: int = 0,
    ready: Callable[[str], None],
) -> dict[str, Decision]:
    """Let a person decide in a browser until Ctrl-C, and return all that is decided, by file.

    `nearest` is called with what a line names, for the large view; `ready` is told the address to open.

    Raises:
        RankingUnfit: `folder` holds no ranking of pictures.
        PortTaken: as `server.serve`.
    """
    page = SelectionPage(folder, candidates(folder), nearest, title or folder.resolve().name)
    try:
        server.serve(page.site(), port=port, ready=ready)
    finally:
        page.close()
    return decisions(folder)


class SelectionPage:
    """What the page asks and says, over one folder; several threads may come in."""

    def __init__(self, folder: Path, ranked: Sequence[Candidate], nearest: Nearest, title: str) -> None:
        self.folder, self.ranked, self.nearest, self.title = folder, ranked, nearest, title
        self._journal = Journal(folder / DECISIONS)
        self._decided = decisions(folder)
        self._lock = threading.Lock()

    def site(self) -> server.Site:
        """What `server.serve` serves."""
        return server.Site(
            reads={
                "/": self._page,
                "/small/<int:number>": self._small,
                "/picture/<int:number>": self._picture,
                "/nearest/<int:number>": self._nearest,
            },
            does={"/decide": self._decide},
        )

    def close(self) -> None:
        """Close the file of decisions."""
        self._journal.close()

    def _page(self, request: Request) -> Response:
        parts = inline(("served.css", "by_hand.css"), "by_hand.js", "universe_gan", served=True)
        with self._lock:
            decided: Mapping[str, Decision] = dict(self._decided)
        html = templates("universe_gan").get_template("by_hand.html.jinja")
        return server.page(
            html.render(**parts, title=self.title, ranked=self.ranked, decided=decided),
            str(parts["policy_of_page"]),
        )

    def _one(self, number: int) -> Candidate:
        if not 0 <= number < len(self.ranked):
            raise NotFound
        return self.ranked[number]

    def _small(self, request: Request, number: int) -> Response:
        return self._shown(number, SMALL)

    def _picture(self, request: Request, number: int) -> Response:
        return self._shown(number, None)

    def _shown(self, number: int, most: int | None) -> Response:
        try:
            with Image.open(self.folder / self._one(number).file, formats=FORMATS) as opened:
                image = opened.convert("RGB")
        except OSError as error:  # gone or damaged since
            raise NotFound from error
        if most:
            image.thumbnail((most, most), Image.Resampling.LANCZOS)
        return _png(image)

    def _nearest(self, request: Request, number: int) -> Response:
        found = self.nearest(self._one(number).nearest)
        if found is None:
            raise NotFound
        return _png(Image.fromarray(np.ascontiguousarray(found)))

    def _decide(self, request: Request) -> Response:
        said = server.sent(request)
        number, decision = said.get("number"), said.get("decision")
        if type(number) is not int or decision not in ("accept", "reject", "undecided"):
            raise BadRequest
        file = self._one(number).file
        with self._lock:
            at = datetime.now(UTC).replace(microsecond=0).isoformat()
            self._journal.append({"file": file, "decision": decision, "at": at})
            if decision == "undecided":
                self._decided.pop(file, None)
            else:
                self._decided[file] = decision
        return server.as_json({"file": file, "decision": decision})


def _png(image: Image.Image) -> Response:
    buffer = BytesIO()
    image.save(buffer, "PNG", compress_level=1)
    return Response(buffer.getvalue(), mimetype="image/png")
