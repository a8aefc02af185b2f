"""What is made of a dataset: the command line, recipes, and (later) training and comparison."""

__version__ = "0.1.0"
