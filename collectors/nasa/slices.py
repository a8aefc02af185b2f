"""Questions narrow enough for the API to show all they find: words, then a year, then a centre."""

from dataclasses import dataclass, replace
from urllib.parse import urlencode

FIRST_YEAR = 1958
"""The first year that is a slice of its own (NASA was founded in it); what is older is one slice together."""

CENTRES = ("AFRC", "ARC", "GRC", "GSFC", "HQ", "JPL", "JSC", "KSC", "LARC", "LRC", "MSFC", "SSC", "WFF")
"""The centres a year is cut into, as items name them; one that finds nothing costs one question."""


@dataclass(frozen=True)
class Slice:
    """One question: words, and the years and centre it is narrowed to. `None`: open."""

    query: str
    first: int | None = None
    last: int | None = None
    centre: str | None = None
    is_year: bool = False
    """Whether it has been cut into years already."""

    @property
    def question(self) -> dict[str, str]:
        """As parameters of the API."""
        said = {"q": self.query, "year_start": self.first, "year_end": self.last, "center": self.centre}
        return {name: str(value) for name, value in said.items() if value is not None}

    @property
    def unit(self) -> str:
        """Its name in the list of what is finished; no two slices share one."""
        return urlencode(self.question)

    @property
    def words(self) -> str:
        """Its name for people: `planet, 2003, JPL`."""
        years = f"{self.first or ''}–{self.last or ''}" if self.first != self.last else str(self.first or "")
        return ", ".join(filter(None, (self.query, years.strip("–") and years, self.centre)))

    def parts(self, this_year: int) -> list["Slice"]:
        """The smaller slices that together hold the same images: its years, or of one year its centres."""
        if not self.is_year and (years := self._years(this_year)):
            return years
        return [] if self.centre else [replace(self, centre=centre, is_year=True) for centre in CENTRES]

    def _years(self, this_year: int) -> list["Slice"]:
        """Its years one by one, what is open at either end as one; none where that would be itself."""
        first, last = self.first or FIRST_YEAR, self.last or this_year
        ends: list[tuple[int | None, int | None]] = [(year, year) for year in range(first, last + 1)]
        if self.first is None:
            ends.insert(0, (None, first - 1))
        if self.last is None:
            ends[-1] = (last, None)
        years = [replace(self, first=start, last=end, is_year=True) for start, end in ends]
        return years if len(years) > 1 else []
