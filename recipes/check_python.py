"""Does this Python have what the recipes need? One line that says what is missing, if not.

Runs on any Python 3 and imports nothing of the project, whose packages may not be there.
"""

import re
import sys
from importlib import metadata
from pathlib import Path


def missing_packages(pyproject):
    """Names of the core dependencies in the text of a `pyproject.toml` that are not installed."""
    listed = re.search(r"^dependencies = \[(.*?)^\]", pyproject, re.DOTALL | re.MULTILINE).group(1)
    missing = []
    for name in re.findall(r'"([A-Za-z0-9_.-]+)', listed):
        try:
            metadata.version(name)
        except metadata.PackageNotFoundError:
            missing.append(name)
    return missing


def main():
    """Print what is missing, and end with 1; nothing where all is there."""
    root = Path(__file__).resolve().parent.parent
    missing = missing_packages((root / "pyproject.toml").read_text(encoding="utf-8"))
    if missing:
        names = ", ".join(missing)
        print(f"{sys.executable} lacks {names}; run `make install`, or name another by PYTHON=...")
        sys.exit(1)


if __name__ == "__main__":
    main()
