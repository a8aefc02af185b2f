"""What becomes of an item on which workers die."""


class WorkerDied(Exception):
    """A worker process was killed or crashed, twice, on the same item; the second time it was alone."""

    def __init__(self, item: object) -> None:
        super().__init__(item)
        self.item = item

    def __str__(self) -> str:
        return f"a worker died on {self.item}"
