"""Exit codes of every command; the table in `--help` is this one."""

from enum import IntEnum


class Exit(IntEnum):
    """What a command leaves with; the words for each are in `WORDS`."""

    DONE = 0
    BUG = 1
    USAGE = 2
    INPUT = 3
    CREDENTIAL = 4
    BUSY = 5
    SOME_FAILED = 6
    MACHINE = 7
    VIOLATIONS = 8
    INTERRUPTED = 130
    UNREAD = 141


WORDS = {
    Exit.DONE: "done",
    Exit.BUG: "a bug in this tool; please report the traceback",
    Exit.USAGE: "the command line is wrong",
    Exit.INPUT: "a recipe or an input is wrong; nothing was touched",
    Exit.CREDENTIAL: "a key or the contact address is missing or refused",
    Exit.BUSY: "the other side is busy; run the same command again later",
    Exit.SOME_FAILED: "finished, but some items failed; the same command tries just those again",
    Exit.MACHINE: "the machine is too small (disk, memory), or training diverged",
    Exit.VIOLATIONS: "audit or verify found violations",
    Exit.INTERRUPTED: "interrupted; everything on disk is whole",
    Exit.UNREAD: "nobody reads on what is printed (as `head`); everything on disk is whole",
}
