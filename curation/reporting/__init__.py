"""Pages for people: the report of a recipe, section by section, and what every page shares."""
