"""From a folder of recordings to a statement of what a classifier listens to."""
