"""Do units of work, each whole or not at all, in one process, in many, or on many machines."""
