"""Speed and memory, as ratios within one run; see README.md here. Never run by the tests."""
