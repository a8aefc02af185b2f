"""Near-duplicates: hashes within a radius, agreement of what they propose, groups and who stays."""

from curation.duplicates.groups import Related, relate
from curation.duplicates.ties import Look

__all__ = ["Look", "Related", "relate"]
