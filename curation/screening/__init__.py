"""Screening: is a picture what the dataset is about, and is it whole? Measurements, verdicts, review."""
