"""What `documented.Fork` starts: loads everything once, then runs each command it reads in a child."""

import importlib
import json
import os
import runpy
import sys
from contextlib import suppress
from pathlib import Path

HEAVY = (
    "PIL.Image",
    "pyarrow.parquet",
    "pydantic",
    "requests",
    "rich.console",
    "datasets",
    "torch",
    "cv2",
    "skimage",
)


def child(asked: dict[str, object]) -> int:
    os.chdir(str(asked["cwd"]))
    os.environ.update(asked["env"])  # type: ignore[call-overload]
    out = os.open(str(asked["out"]), os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    for stream in (1, 2):
        os.dup2(out, stream)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    if "argv" in asked:
        from universe_gan.shell.cli import run

        sys.argv = ["universe-gan", *asked["argv"]]  # type: ignore[misc]
        code = run(sys.argv[1:])
    else:
        script = Path(str(asked["out"])).with_suffix(".py")
        script.write_text(str(asked["code"]), encoding="utf-8")
        sys.path.insert(0, str(asked["cwd"]))
        runpy.run_path(str(script), run_name="__main__")
        code = 0
    return code


def main() -> None:
    for name in HEAVY:
        with suppress(ImportError):
            importlib.import_module(name)
    os.cpu_count = lambda: 1  # for so few pictures workers cost more than they save
    answers = os.fdopen(os.dup(1), "w")
    for line in sys.stdin:
        pid = os.fork()
        if pid == 0:
            code = 1
            try:
                code = child(json.loads(line))
            except BaseException:  # noqa: BLE001 (the child ends here, whatever happened in it)
                sys.excepthook(*sys.exc_info())  # type: ignore[arg-type]
            finally:
                sys.stdout.flush()
                sys.stderr.flush()
                os._exit(code)
        _, status = os.waitpid(pid, 0)
        answers.write(f"{os.waitstatus_to_exitcode(status)}\n")
        answers.flush()


if __name__ == "__main__":
    main()
