"""Upscaling with ESRGAN, true to the picture it was given."""
