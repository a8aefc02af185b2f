"""Near-duplicates: which pictures show the same thing, on what evidence, and which of them is kept."""

from curation.duplicates.groups import Copy, Look, copies, near_hashes

__all__ = ["Copy", "Look", "copies", "near_hashes"]
