"""Croissant: the dataset described as JSON-LD, for tools and search engines: files, columns, licences.

Names and shapes are those of the Hub's own descriptions (a record set and a file set a configuration,
splits as a record set of their own). File addresses are relative to `croissant.json`, so that they are
true in any copy and revision.

https://docs.mlcommons.org/croissant/docs/croissant-spec.html (1.0)
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from collectors.storage.files import sha256_of
from curation.dataset import synthetic
from curation.dataset.columns import COLUMNS, WORDS, Column
from curation.dataset.facts import Facts
from curation.dataset.shards import Part

NAME = "croissant.json"
HUB = "https://huggingface.co/datasets"
KEYWORDS = ("astronomy", "image", "licence-audited")
REPO_HASH = "https://github.com/mlcommons/croissant/issues/80"
"""What stands for the hash of a whole repository, as the Hub writes it."""

_TYPES = {
    "image": "sc:ImageObject",
    "string": "sc:Text",
    "strings": "sc:Text",
    "bool": "sc:Boolean",
    "int32": "cr:Int32",
    "int64": "cr:Int64",
    "float64": "cr:Float64",
}

_TERMS = (
    *("citeAs", "column", "extract", "field", "fileProperty", "fileObject", "fileSet", "format", "includes"),
    *("isLiveDataset", "jsonPath", "key", "md5", "parentField", "path", "recordSet", "references", "regex"),
    *("repeated", "replace", "separator", "source", "subField", "transform"),
)
_CONTEXT = {
    "@language": "en",
    "@vocab": "https://schema.org/",
    "cr": "http://mlcommons.org/croissant/",
    "rai": "http://mlcommons.org/croissant/RAI/",
    "dct": "http://purl.org/dc/terms/",
    "sc": "https://schema.org/",
    "conformsTo": "dct:conformsTo",
    "data": {"@id": "cr:data", "@type": "@json"},
    "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
    "examples": {"@id": "cr:examples", "@type": "@json"},
} | {term: f"cr:{term}" for term in _TERMS}


def to_json(facts: Facts, folder: Path) -> str:
    """The description of the dataset whose shards lie in `folder`."""
    return f"{json.dumps(describe(facts, folder), ensure_ascii=False, indent=2)}\n"


def describe(facts: Facts, folder: Path) -> dict[str, Any]:
    """The same as plain JSON values; no date, so that equal datasets have equal descriptions."""
    address = {"url": f"{HUB}/{facts.publish.repo}"} if facts.publish.repo else {}
    configs = dict.fromkeys(part.config for part in facts.parts)
    return {
        "@context": _CONTEXT,
        "@type": "sc:Dataset",
        "conformsTo": "http://mlcommons.org/croissant/1.0",
        "name": facts.name,
        "description": facts.summary,
        **address,
        "license": [licence.url or licence.id for licence, _ in facts.by_licence],
        "citeAs": facts.citation,
        "version": f"1.0.0+{facts.root_sha256[:12]}",
        "keywords": [facts.manifest.header.subject, *KEYWORDS],
        "isLiveDataset": False,
        "distribution": [*_repository(facts), *_files(facts, folder), *_sets(facts)],
        "recordSet": [record for config in configs for record in _records(facts, config)],
    }


def _repository(facts: Facts) -> Iterator[dict[str, Any]]:
    if facts.publish.repo:
        yield {
            "@type": "cr:FileObject",
            "@id": "repo",
            "name": "repo",
            "description": "The repository on the Hub.",
            "contentUrl": f"{HUB}/{facts.publish.repo}",
            "encodingFormat": "git+https",
            "sha256": REPO_HASH,
        }


def _files(facts: Facts, folder: Path) -> Iterator[dict[str, Any]]:
    for part in facts.parts:
        for shard in part.shards:
            yield {
                "@type": "cr:FileObject",
                "@id": shard,
                "name": shard,
                "contentUrl": shard,
                "contentSize": f"{(folder / shard).stat().st_size} B",
                "encodingFormat": "application/x-parquet",
                "sha256": sha256_of(folder / shard),
            }


def _sets(facts: Facts) -> Iterator[dict[str, Any]]:
    inside = {"containedIn": {"@id": "repo"}} if facts.publish.repo else {}
    for config, folder in dict.fromkeys((part.config, part.folder) for part in facts.parts):
        yield {
            "@type": "cr:FileSet",
            "@id": _set(config),
            "name": _set(config),
            "description": f"The Parquet files of the configuration {config}.",
            **inside,
            "encodingFormat": "application/x-parquet",
            "includes": f"{folder}/*.parquet",
        }


def _records(facts: Facts, config: str) -> Iterator[dict[str, Any]]:
    parts = [part for part in facts.parts if part.config == config]
    splits = f"{config}_splits"
    yield {
        "@type": "cr:RecordSet",
        "dataType": "cr:Split",
        "key": {"@id": f"{splits}/split_name"},
        "@id": splits,
        "name": splits,
        "description": f"Splits of the configuration {config}.",
        "field": [{"@type": "cr:Field", "@id": f"{splits}/split_name", "dataType": "sc:Text"}],
        "data": [{f"{splits}/split_name": part.split} for part in parts],
    }
    # Without pixels a reader cannot be given pictures: the column is there, and all null.
    columns = _COLUMNS.get(config, WORDS)
    yield {
        "@type": "cr:RecordSet",
        "@id": config,
        "name": config,
        "description": _WORDS[config],
        "key": {"@id": f"{config}/uid"},
        "field": [_split(config, parts), *(_field(config, column) for column in columns)],
    }


_COLUMNS: dict[str, tuple[Column[Any], ...]] = {"default": COLUMNS, synthetic.CONFIG: synthetic.COLUMNS}
_WORDS = {
    "default": "Square pictures with their rights, credit and provenance.",
    "metadata": "The same rows without pixels.",
    "synthetic": "Generated pictures that were accepted, each with its run, seed and checkpoint.",
    "references": "Images that may be trained on but are not handed on: their rights, and where they are.",
}


def _split(config: str, parts: list[Part]) -> dict[str, Any]:
    names = "|".join(part.split for part in parts)
    return {
        "@type": "cr:Field",
        "@id": f"{config}/split",
        "dataType": "sc:Text",
        "source": {
            "fileSet": {"@id": _set(config)},
            "extract": {"fileProperty": "fullpath"},
            # A reader applies it to the path, and mlcroissant once more to what came of that.
            "transform": {"regex": f"(?:{parts[0].folder}/)?({names})(?:-[0-9of-]+.parquet)?$"},
        },
        "references": {"field": {"@id": f"{config}_splits/split_name"}},
    }


def _field(config: str, column: Column[Any]) -> dict[str, Any]:
    source: dict[str, Any] = {"fileSet": {"@id": _set(config)}, "extract": {"column": column.name}}
    if column.type == "image":
        source["transform"] = {"jsonPath": "bytes"}
    return {
        "@type": "cr:Field",
        "@id": f"{config}/{column.name}",
        "name": f"{config}/{column.name}",
        "description": column.words,
        "dataType": _TYPES[column.type],
        **({"repeated": True} if column.type == "strings" else {}),
        "source": source,
    }


def _set(config: str) -> str:
    return f"parquet-files-for-config-{config}"
