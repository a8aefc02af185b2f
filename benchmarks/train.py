"""Images/s of one training step, ours beside that of the lightweight-gan package, in the same process.

    python benchmarks/train.py [--quick] [--device cuda] [--sides 64] [--batch 8] [--compile] [--json F]

A step is the discriminator's turn and the generator's, on the same random pictures, with the attention of
the study (32 px) and the gradient penalty in every 4th step, as the package has it: a plain and a penalised
step are timed, and weighed three to one. The package's networks are its own; its step is written here as its
trainer does it: the generator runs twice, the discriminator is not frozen in the generator's turn. All take
turns in every round; ratios are medians over rounds. The share of
the peak is that of a plain step. The other models have no counterpart in the package;
their ratios say how they compare with its lightweight one. On a CPU seconds are those of the process, so that
others on the machine count little. What is not installed is left out and named.
"""

import argparse
import json
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from universe_gan.networks import table
from universe_gan.networks.lite0 import WeightsMissing
from universe_gan.training.gan import Training, one_step
from universe_gan.training.settings import TrainSettings

sys.path.append(str(Path(__file__).parent.parent / "tests"))
LATENT = 256


def main() -> None:
    """Measure each side, print a row each, write the JSON."""
    arguments = parse()
    device = torch.device(arguments.device)
    sides = arguments.sides or ([256, 512, 1024] if device.type == "cuda" else [64])
    peak = matmul_peak(device)
    print(f"{device}, {torch.get_num_threads()} threads, matmul peak {peak / 1e12:.2f} TFLOP/s")
    rows = [row for side in sides for row in measured(side, arguments, device, peak)]
    if arguments.json:
        arguments.json.write_text(json.dumps(rows, indent=1) + "\n")


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="two pictures a batch, one round: a minute")
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--models", nargs="*", default=["stylegan2", "projected"], help="beside lightweight")
    parser.add_argument("--sides", type=int, nargs="*")
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--compile", action="store_true")
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    if arguments.quick:
        arguments.batch, arguments.rounds = 2, 1
    return arguments


def measured(
    side: int, arguments: argparse.Namespace, device: torch.device, peak: float
) -> list[dict[str, Any]]:
    """A row for the package and one for each way of ours."""
    torch.manual_seed(0)
    real = torch.rand(arguments.batch, 3, side, side, device=device)
    ways: dict[str, Callable[[int], None]] = {}
    try:
        ways["lightweight-gan"] = package_step(side, real)
    except ImportError as error:
        print(f"lightweight-gan left out: {error}")
    if device.type == "cuda":
        ways["lightweight, fp32"] = our_step(side, real, precision="fp32", compile="no")
    ways["lightweight"] = our_step(side, real, compile="no")
    if arguments.compile:
        ways["lightweight, compiled"] = our_step(side, real, compile="yes")
    if "stylegan2" in arguments.models:
        ways["stylegan2"] = our_step(side, real, model="stylegan2", compile="no")
    if "projected" in arguments.models:
        try:
            ways["projected"] = our_step(side, real, discriminator="projected", compile="no")
        except WeightsMissing as error:
            print(f"projected left out: {error}")
    first = {name: seconds_of(step, range(1, 2), device) for name, step in ways.items()}
    flops = {name: operations(ways[name.removesuffix(", compiled")]) for name in ways}
    times: dict[str, list[float]] = {name: [] for name in ways}
    plains: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(arguments.rounds):
        for name, step in ways.items():
            plain, penalised = (seconds_of(step, range(n, n + 1), device) for n in (1, 0))
            plains[name].append(plain)
            times[name].append((3 * plain + penalised) / 4)
    rows = []
    for name in ways:
        ratios = [a / b for a, b in zip(times.get("lightweight-gan", []), times[name], strict=False)]
        seconds = statistics.median(times[name])
        row = {
            "side": side,
            "batch": arguments.batch,
            "way": name,
            "seconds_a_step": seconds,
            "images_per_s": arguments.batch / seconds,
            "times_the_package": statistics.median(ratios) if ratios else None,
            "share_of_peak": flops[name] / statistics.median(plains[name]) / peak,
            "first_step_s": first[name],
            "memory_gib": memory(ways[name], device),
        }
        rows.append(row)
        print(
            "  ".join(
                f"{key} {value:.3g}" if isinstance(value, float) else str(value) for key, value in row.items()
            )
        )
    return rows


def our_step(side: int, real: Tensor, **more: Any) -> Callable[[int], None]:
    """Our whole step, as the loop takes it, with the penalty in every 4th."""
    settings = TrainSettings(batch=len(real), latent=LATENT, penalty_every=4, **more)
    training = Training(settings, side, real.device)
    pictures = (real * 2 - 1).to(memory_format=torch.channels_last)

    def step(number: int) -> None:
        training.step = number
        one_step(training, pictures)

    return step


def package_step(side: int, real: Tensor) -> Callable[[int], None]:
    """The package's networks and what its trainer does with them, without augmentation and log."""
    import peers

    package = peers.lightweight_gan()
    options = {"image_size": side, "attn_res_layers": [32]}
    generator = package.Generator(latent_dim=LATENT, **options).to(real.device)
    discriminator = package.Discriminator(**options).to(real.device)
    for net in (generator, discriminator):
        table()["lightweight"].initialise(net)
    optimizers = [torch.optim.Adam(net.parameters(), 2e-4, (0.5, 0.9)) for net in (generator, discriminator)]

    def step(number: int) -> None:
        penalised = number % 4 == 0
        optimizers[1].zero_grad()
        with torch.no_grad():
            fake = generator(torch.randn(len(real), LATENT, device=real.device))
        fake, shown = fake.requires_grad_(penalised), real.clone().requires_grad_(penalised)
        of_fake = discriminator(fake)
        of_real = discriminator(shown, calc_aux_loss=True)
        pairs = list(zip(of_real[:2], of_fake[:2], strict=True))
        loss = of_real[2] + torch.stack([(F.relu(1 + r) + F.relu(1 - f)).mean() for r, f in pairs]).sum()
        if penalised:
            loss = loss + 10 * (slope(of_real[:2], shown) + slope(of_fake[:2], fake)) / 2
        loss.backward()
        optimizers[1].step()
        optimizers[0].zero_grad()
        heads = discriminator(generator(torch.randn(len(real), LATENT, device=real.device)))[:2]
        torch.stack([head.mean() for head in heads]).sum().backward()
        optimizers[0].step()

    return step


def slope(heads: tuple[Tensor, ...], pictures: Tensor) -> Tensor:
    """Mean squared slope, to be learned from."""
    ones = [torch.ones_like(head) for head in heads]
    (found,) = torch.autograd.grad(heads, pictures, ones, create_graph=True)
    return found.square().sum(dim=(1, 2, 3)).mean()


def seconds_of(step: Callable[[int], None], numbers: range, device: torch.device) -> float:
    """Seconds of these steps: of the process on a CPU, on the wall otherwise."""
    clock = time.perf_counter if device.type == "cuda" else time.process_time
    wait(device)
    started = clock()
    for number in numbers:
        step(number)
    wait(device)
    return clock() - started


def operations(step: Callable[[int], None]) -> float:
    """Floating-point operations of a step without penalty: torch counts no derivative of a derivative."""
    from torch.utils.flop_counter import FlopCounterMode

    with FlopCounterMode(display=False) as counter:
        step(1)
    return float(counter.get_total_flops())


def matmul_peak(device: torch.device, size: int = 1024) -> float:
    """Operations a second of a large product, in the best of fp32 and bf16."""
    best = 0.0
    size = 8192 if device.type == "cuda" else size
    for dtype in (torch.float32, torch.bfloat16):
        a = torch.randn(size, size, device=device).to(dtype)
        layer = nn.Linear(size, size, bias=False).to(device, dtype).requires_grad_(False)
        layer(a)
        seconds = min(seconds_of(lambda _, layer=layer, a=a: layer(a), range(1), device) for _ in range(5))
        best = max(best, 2 * size**3 / seconds)
    return best


def memory(step: Callable[[int], None], device: torch.device) -> float | None:
    """GiB that a penalised step needs at most; on a GPU alone."""
    if device.type != "cuda":
        return None
    torch.cuda.reset_peak_memory_stats()
    step(0)
    wait(device)
    return torch.cuda.max_memory_allocated() / 2**30


def wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize()


if __name__ == "__main__":
    main()
