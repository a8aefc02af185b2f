"""The card of a published generator: what it is, what it learned from, how good it is, how to use it."""

from collections.abc import Iterator, Mapping
from typing import Any

from collectors import licences
from curation.dataset.card import hub_licence, licence_link
from curation.markup import markdown, yaml_string
from universe_gan.data import Origin
from universe_gan.training.runs import About


def card(about: About, kimg: float, figures: Mapping[str, Any] | None, repo: str, licence: str | None) -> str:
    """`README.md`, Markdown with metadata; the same facts give the same text."""
    parts = [
        _metadata(about, licence),
        _what(about, kimg),
        _use(repo),
        _data(about.origin),
        _figures(figures),
        _limits(about, figures),
        _rights(about, licence),
    ]
    return "\n".join(line for part in parts for line in part) + "\n"


def _metadata(about: About, licence: str | None) -> Iterator[str]:
    """https://huggingface.co/docs/hub/model-cards"""
    yield "---"
    yield f"license: {hub_licence([licences.get(licence)]) if licence else 'other'}"
    if licence is None:
        yield "license_name: not-stated"
    yield "library_name: universe-gan"
    yield "pipeline_tag: unconditional-image-generation"
    yield "tags:"
    yield from (f"- {tag}" for tag in ("gan", "synthetic", about.settings.model))
    if about.origin.revision:
        yield "datasets:"
        yield f"- {yaml_string(_repository(about.origin))}"
    yield "---"


def _what(about: About, kimg: float) -> Iterator[str]:
    settings = about.settings
    yield f"\n# {markdown(about.name)}\n"
    yield f"A generative adversarial network (`{settings.model}`, discriminator `{settings.discriminator}`)"
    yield f"that draws pictures of {about.side} × {about.side} pixels: the average of its generator after"
    yield f"{kimg:,g} thousand real pictures shown. Trained with universe-gan {markdown(about.tool)}.\n"
    yield "![Pictures of the seeds 0 to 15](samples.png)\n"
    yield "**Every picture it draws is synthetic**, and its file says so. None shows anything that exists.\n"


def _use(repo: str) -> Iterator[str]:
    yield "## Use\n"
    yield "```console"
    yield "$ pip install 'universe-gan[train]'"
    yield f"$ universe-gan generate {repo} --seeds 0-35"
    yield "```\n"
    yield "```python"
    yield "from universe_gan import Generator\n"
    yield f'Generator.load("{repo}").sheet(range(36)).save("sheet.png")'
    yield "```\n"
    yield "Meant for looking at, for teaching, and for study of generators on few pictures.\n"


def _data(origin: Origin) -> Iterator[str]:
    yield "## Training data\n"
    if origin.revision:
        name = _repository(origin)
        yield f"[{markdown(name)}](https://huggingface.co/datasets/{name})"
        yield f"at revision `{origin.revision}`; whom to credit for each picture stands there."
    else:
        yield "The dataset is **not published**; nobody else can check it or train on it again."
    yield f"{origin.pictures:,} pictures to learn from, {origin.held_out:,} held out. Fingerprint of"
    yield f"the pictures: `{origin.fingerprint}`.\n"
    if origin.synthetic:
        yield f"**{origin.synthetic:,} of the pictures to learn from were generated** by an earlier model and"
        yield f"accepted; this is generation {origin.generation}. Only real pictures judged it.\n"
    if origin.licences:
        yield "| licence | pictures |\n| --- | ---: |"
        for id, count in origin.licences.items():
            yield f"| {licence_link(licences.get(id))} | {count:,} |"
        yield ""
    else:
        yield "Under which licences the pictures are is not stated.\n"
    if origin.refused:
        yield "Left out of training:\n"
        yield from (f"- {count:,} because {markdown(why)}" for why, count in origin.refused.items())
        yield ""


def _figures(figures: Mapping[str, Any] | None) -> Iterator[str]:
    yield "## How good it is\n"
    if figures is None:
        yield "It was not measured.\n"
        return
    yield f"{figures['judged']:,} generated pictures, compared with real ones by"
    yield f"`{figures['extractor']}` ({markdown(figures['against'])}).\n"
    yield "| measure | found | best is |\n| --- | --- | --- |"
    interval = f"{figures['kid_low']:.4f} to {figures['kid_high']:.4f}"
    yield f"| KID (95 % interval) | {figures['kid']:.4f} ({interval}) | 0 |"
    yield f"| Fréchet distance | {figures['fd']:.2f} | its floor |"
    yield f"| floor: real to real | {figures['fd_floor']:.2f} ({figures['fd_pictures']:,} pictures) | |"
    yield f"| coverage | {figures['coverage']:.2f} | 1 |"
    yield f"| recall | {figures['recall']:.2f} | 1 |"
    yield f"| nearness to training pictures | {_near(figures)} | 1; copies: below 0.8 |\n"


def _limits(about: About, figures: Mapping[str, Any] | None) -> Iterator[str]:
    yield "## Limits\n"
    yield f"- It learned from {about.origin.pictures:,} pictures and shows what they show,"
    yield "  with the bias of their choice."
    near = "not measured" if figures is None or figures["memorisation"] is None else _near(figures)
    yield f"- Some pictures may come near to training pictures; as a whole, the ratio of distances was {near}"
    yield "  (1: no nearer than real pictures of the same kind; below 0.8: copies)."
    yield "- Not for science: a picture is no observation. Not to be passed off as a photograph.\n"


def _rights(about: About, licence: str | None) -> Iterator[str]:
    yield "## Licence\n"
    if licence:
        yield f"Its publisher puts the weights under {licence_link(licences.get(licence))}."
    else:
        yield "No licence is claimed for the weights."
    yield "The training pictures keep theirs, as counted above; what those mean for weights and for generated"
    yield "pictures is not settled law, and this card does not decide it."


def _near(figures: Mapping[str, Any]) -> str:
    found = figures["memorisation"]
    return "not known" if found is None else f"{found:.2f}"


def _repository(origin: Origin) -> str:
    """The Hub's name of the dataset."""
    return origin.source.removeprefix("hf://datasets/").partition("@")[0]
