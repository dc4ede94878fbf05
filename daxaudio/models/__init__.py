"""Classifiers that the recipes train, and their training loop."""
