"""A clock that moves only when somebody sleeps, so that tests of waiting take no time."""

import threading


class Clock:
    """`now` and `sleep` belong together; `slept` is every sleep in order, in seconds."""

    def __init__(self, start: float = 1000.0) -> None:
        self._time = start
        self._lock = threading.Lock()
        self.slept: list[float] = []

    def now(self) -> float:
        return self._time

    def sleep(self, seconds: float) -> None:
        with self._lock:
            self._time += max(0.0, seconds)
            self.slept.append(seconds)
