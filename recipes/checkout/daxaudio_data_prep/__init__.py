"""Data preparation of the checkout that this file lies in, whichever one is installed."""

from pathlib import Path

__path__ = [str(Path(__file__).resolve().parents[3] / "data_prep")]
