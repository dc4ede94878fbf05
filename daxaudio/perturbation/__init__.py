"""Spectrograms to neighbourhoods: what is perturbed, how it is drawn, what was answered."""
