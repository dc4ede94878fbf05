"""Corpora made from nothing, whose evidence is known."""
