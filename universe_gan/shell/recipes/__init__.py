"""Recipes: read, checked with every mistake in words, written for the user, settled against flags."""
