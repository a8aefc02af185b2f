"""Which files are opened as pictures, whoever opens them."""

FORMATS = ("JPEG", "PNG", "TIFF", "WEBP", "GIF", "BMP", "PPM", "JPEG2000", "AVIF")
"""Pillow's names. Its other readers are never asked: some start programs (EPS), some were never attacked."""
