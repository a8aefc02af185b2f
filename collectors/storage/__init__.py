"""Where files are kept: whole or not at all, under their hash, on this disk or wherever fsspec leads."""
