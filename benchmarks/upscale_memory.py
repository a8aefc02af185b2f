"""How much memory a large picture takes: `python benchmarks/upscale_memory.py [WIDTH] [HEIGHT]`.

A network of one block stands in for the real one of 23: its last layers, at the large size, are the same, and
it is there that the memory goes. Prints the peak of the whole process, and by arithmetic what it consists of.
"""

import resource
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pyvips
import torch

from universe_gan.shell.cli import run
from universe_gan.upscaling.rrdbnet import RRDBNet
from universe_gan.upscaling.tiles import Cut, spans


def main(width: int = 10_000, height: int = 200) -> None:
    """Enlarge one picture by 4 in this process and say what it took."""
    with tempfile.TemporaryDirectory() as folder:
        picture, weights = Path(folder) / "picture.png", Path(folder) / "one-block.pth"
        y, x = np.ogrid[:height, :width]
        pixels = np.stack([(3 * y + x) % 251, (y + 2 * x) % 253, (5 * y + 7 * x) % 255], axis=-1)
        pyvips.Image.new_from_array(pixels.astype(np.uint8)).write_to_file(str(picture))
        torch.save(RRDBNet(blocks=1).state_dict(), weights)
        before, started = peak(), time.process_time()
        code = run(["upscale", str(picture), "--weights", str(weights), "--to", f"{folder}/out", "-q"])
        took, cut = time.process_time() - started, Cut()
        rows, columns = (spans(side, cut.side, cut.overlap, cut.fade) for side in (height, width))
        row = max(span.shown[1] - span.shown[0] for span in rows) * 4 * width * 4 * 12
        tile = max(span.reach for span in rows) * max(span.reach for span in columns) * 16 * 64 * 4
        whole = height * 4 * width * 4 * 12
        print(f"{width:,} x {height:,} px, enlarged by 4: exit code {code}, {took:.0f} CPU s")
        print(f"peak {peak():,.0f} MB, of which {before:,.0f} MB before the command began")
        print(f"a row of tiles is {row / 1e6:,.0f} MB, the result as floats would be {whole / 1e6:,.0f} MB")
        print(f"a layer of the network at the large size is {tile / 1e6:,.0f} MB")


def peak() -> float:
    """Largest resident size of this process so far, MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000


if __name__ == "__main__":
    main(*(int(word) for word in sys.argv[1:3]))
