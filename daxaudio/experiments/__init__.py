"""Many recordings, methods and measures."""
