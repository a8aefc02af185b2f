"""The quiz as a page: one picture at a time, the answer by key or button, the result at the end."""

import threading
from collections.abc import Sequence
from typing import Any

from werkzeug.exceptions import BadRequest, Conflict, NotFound
from werkzeug.wrappers import Request, Response

from curation.reporting.page import inline, templates
from universe_gan.comparing import server
from universe_gan.comparing.answers import Answers, result
from universe_gan.comparing.quiz import Question

MOST_MS = 24 * 3600 * 1000
AHEAD = 1
"""Pictures beyond the current one that may be fetched, so that the next is there at once."""


class QuizPage:
    """What the page asks and says, over one file of answers; several threads may come in."""

    def __init__(self, questions: Sequence[Question], answers: Answers, side: int) -> None:
        self.questions, self.answers, self.side = questions, answers, side
        self._lock = threading.Lock()
        self._revealed = answers.next is None
        """Once the truth was seen no answer is taken back."""

    def site(self) -> server.Site:
        """What `server.serve` serves."""
        return server.Site(
            reads={
                "/": self._page,
                "/state": self._state,
                "/picture/<int:number>": self._picture,
                "/result": self._result,
            },
            does={"/answer": self._answer, "/undo": self._undo, "/reveal": self._reveal},
        )

    def _page(self, request: Request) -> Response:
        parts = inline(("served.css", "quiz.css"), "quiz.js", "universe_gan", served=True)
        html = templates("universe_gan").get_template("quiz.html.jinja").render(**parts)
        return server.page(html, str(parts["policy_of_page"]))

    def _now(self) -> dict[str, Any]:
        return {
            "asked": len(self.questions),
            "answered": len(self.answers.given),
            "next": self.answers.next,
            "last": None if self._revealed else self.answers.last,
            "side": self.side,
            "revealed": self._revealed,
        }

    def _state(self, request: Request) -> Response:
        with self._lock:
            return server.as_json(self._now())

    def _picture(self, request: Request, number: int) -> Response:
        with self._lock:
            reached = self.answers.next or len(self.questions)
        if not 1 <= number <= min(reached + AHEAD, len(self.questions)):
            raise NotFound
        return Response(self.questions[number - 1].png, mimetype="image/png")

    def _answer(self, request: Request) -> Response:
        said = server.sent(request)
        ms = said.get("ms")
        if said.get("answer") not in ("real", "generated") or not isinstance(ms, int):
            raise BadRequest
        with self._lock:
            if said.get("number") != self.answers.next or said["number"] is None:
                raise Conflict  # another window was quicker
            self.answers.say(said["number"], said["answer"], min(max(ms, 0), MOST_MS))
            return server.as_json(self._now())

    def _undo(self, request: Request) -> Response:
        said = server.sent(request)
        with self._lock:
            if self._revealed or said.get("number") != self.answers.last or said["number"] is None:
                raise Conflict
            self.answers.say(said["number"], None, None)
            return server.as_json(self._now())

    def _reveal(self, request: Request) -> Response:
        server.sent(request)
        with self._lock:
            if self.answers.next is not None:
                raise Conflict
            self._revealed = True
            return server.as_json(self._now())

    def _result(self, request: Request) -> Response:
        with self._lock:
            if not self._revealed:
                raise NotFound
            given = list(self.answers.given.values())
        told = [one.model_dump(mode="json", include={"number", "model", "truth", "answer"}) for one in given]
        return server.as_json({**result(given, len(self.questions)), "answers": told})
