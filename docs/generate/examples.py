"""Examples in docstrings are code on pages: what stands under `Example:` is no running text."""

import re

import griffe


class Examples(griffe.Extension):
    """Writes the heading as the reader of docstrings knows it."""

    def on_instance(self, *, obj, **_):
        """Called for each module, class, function and attribute."""
        if obj.docstring:
            text = re.sub(r"^Example:$", "Examples:", obj.docstring.value, flags=re.MULTILINE)
            obj.docstring.value = text
