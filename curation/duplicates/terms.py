"""What copies of one picture claim about its terms, and whose claim holds where they contradict each other.

At most one of two such claims is right, and nobody who uses the picture can know which. So the strictest one
holds: who obeys it obeys the others. But where an author publishes at a source of its own, that claim holds.
"""

from collections.abc import Sequence

from collectors import licences
from collectors.rights import Rights
from curation.policy import relied_on

OF_AUTHORS = frozenset({"nasa"})
"""Sources whose records are the author's own word: what they show of others is sorted out on collecting."""


def agree(one: Rights, other: Rights) -> bool:
    """Whether two claims about the same picture can both be true.

    They can if they ask and allow the same, or if one licence is offered with both copies.
    """
    offered = [set(licences.options(each.expression)) - {licences.UNKNOWN} for each in (one, other)]
    if offered[0] & offered[1]:
        return True
    terms = [
        (each.cls, each.attribution, each.share_alike, each.commercial, each.derivatives)
        for each in map(relied_on, (one, other))
    ]
    return terms[0] == terms[1]


def contested(claims: Sequence[Rights]) -> bool:
    """Whether any two claims contradict each other."""
    distinct = list({(claim.expression, claim.chosen, claim.cls): claim for claim in claims}.values())
    return any(
        not agree(one, other) for number, one in enumerate(distinct) for other in distinct[number + 1 :]
    )
