"""The command line: parse, do one stage, say what happened, leave with an exit code that says it too."""
