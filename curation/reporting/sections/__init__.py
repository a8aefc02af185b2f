"""What the report's sections show, computed but not drawn: numbers, plots, conflicts, doubts, crops."""
