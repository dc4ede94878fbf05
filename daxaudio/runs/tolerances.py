"""By how many seconds times may be off before anything is refused for it."""

TIME_TOLERANCE = 1e-6
"""Rounding, less than a sample: 0.1 + 0.2 is not 0.3, and a computed start may be -1e-17."""

END_TOLERANCE = 0.1
"""By so much an event may end after its recording, as durations are rounded, or counted in frames;
what lies after the end is not looked for."""
