"""Recordings to spectrograms."""
