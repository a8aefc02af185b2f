"""Memory and disk, against what a recipe needs."""

import os
import shutil
from pathlib import Path

from collectors import manifest as manifests
from collectors.manifest import ManifestBroken, ManifestTooNew
from universe_gan.shell.machine.finding import Fact, Finding, Level
from universe_gan.shell.recipes.recipe import Recipe

SHIPPED = 15e9
"""Bytes the 1,600-nebula recipe needs for originals, answers and dataset."""
ORIGINAL = 8e6
"""Bytes of an original on Commons, on average (13 GB for 1,600); other sources are nearer to 2 MB."""
ANSWER = 30e3
"""Bytes of the kept answers about one image."""
BYTES_PER_PIXEL = 4.0
"""Of a square in PNG, about 2, kept once beside the dataset and once inside."""
PROCESS = 0.6e9
"""Bytes of memory of a process that examines pictures, large ones among them; an estimate."""
CGROUPS = ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes")


def memory(recipe: Recipe | None) -> Finding:
    """What a process on every core would take, against what there is."""
    total, free = _memory()
    if total is None:
        return Finding(name="memory", level="ok", what="this system does not say how much memory it has")
    cores = os.cpu_count() or 1
    workers = max(1, int(total / PROCESS) - 1)
    facts: dict[str, Fact] = {
        "total_bytes": total,
        "available_bytes": free,
        "process_bytes": int(PROCESS),
        "cores": cores,
    }
    known = f", {free / 1e9:,.1f} GB of it free" if free is not None else ""
    what = f"{total / 1e9:,.1f} GB of memory{known}"
    if total < 2 * PROCESS:
        cure = "1.2 GB are needed at least: one process that decodes, and the one that leads"
        return Finding(name="memory", level="bad" if recipe else "note", what=what, cure=cure, facts=facts)
    if workers < cores:
        want = f"{cores} processes may want {cores * PROCESS / 1e9:.1f} GB"
        cure = f"curate and build with --workers {workers}: {want}"
        return Finding(name="memory", level="note", what=what, cure=cure, facts=facts)
    return Finding(name="memory", level="ok", what=what, facts=facts)


def _memory() -> tuple[int | None, int | None]:
    """Bytes of this machine or container, and those that are free now; `None`: not told."""
    try:
        page = os.sysconf("SC_PAGE_SIZE")
        total = page * os.sysconf("SC_PHYS_PAGES")
    except (ValueError, OSError, AttributeError):
        return None, None
    for path in CGROUPS:
        try:
            total = min(total, int(Path(path).read_text()))
        except (OSError, ValueError):  # no such limit; "max" is none either
            continue
    try:
        lines = Path("/proc/meminfo").read_text().splitlines()
    except OSError:
        return total, None
    free = next((int(line.split()[1]) * 1024 for line in lines if line.startswith("MemAvailable:")), None)
    return total, None if free is None else min(free, total)


def disk(recipe: Recipe | None, folder: Path) -> Finding:
    """Free bytes where the workspace lies, against what is still to come there."""
    place = _nearest(recipe.data if recipe else folder)
    free = shutil.disk_usage(place).free
    needed, words = (SHIPPED, "the shipped nebula recipe") if recipe is None else _needed(recipe)
    what = f"{free / 1e9:,.1f} GB free on this disk"
    facts: dict[str, Fact] = {"free_bytes": free, "needed_bytes": None if needed is None else int(needed)}
    if needed is None:
        return Finding(name="disk", level="ok", what=f"{what}; {words}", facts=facts)
    need = f"{words} needs about {needed / 1e9:,.1f} GB"
    if free < needed:
        level: Level = "bad" if recipe else "note"
        return Finding(name="disk", level=level, what=what, cure=f"{need}; --data moves it", facts=facts)
    return Finding(name="disk", level="ok", what=f"{what}; {need}" if recipe else what, facts=facts)


def _needed(recipe: Recipe) -> tuple[float | None, str]:
    """Bytes that a recipe's work will add here, and how it is known; `None`: nobody can say."""
    try:
        header = manifests.read(recipe.manifest).header
    except (FileNotFoundError, ManifestBroken, ManifestTooNew):
        images, originals = recipe.plan.settings.limit, None
        words = f"{recipe.name}, by its limit,"
    else:
        images, originals = header.files, float(header.bytes)
        words = f"{recipe.name}, by its manifest,"
    if images is None:
        return None, f"{recipe.name} has no limit: `collect --dry-run` says how much it would fetch"
    local = all(source.open_local for source, _ in recipe.plan.sources)
    pictures = images * (recipe.curate.size**2 * BYTES_PER_PIXEL + ANSWER)
    fetched = (
        0.0 if local and originals is None else originals if originals is not None else images * ORIGINAL
    )
    return max(0.0, fetched + pictures - _used(recipe.data)), words


def _used(folder: Path) -> int:
    """Bytes that lie there already."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file() and not path.is_symlink())


def _nearest(folder: Path) -> Path:
    """The folder, or the one above it that there is."""
    folder = folder.absolute()
    return next(path for path in (folder, *folder.parents) if path.is_dir())
