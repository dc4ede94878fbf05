"""Formulas without any script: TeX between dollar signs as MathML, which browsers draw."""

import re

from latex2mathml.converter import convert

_CODE = re.compile(r"(^```.*?^```$|`[^`\n]+`)", re.MULTILINE | re.DOTALL)


def with_mathml(markdown):
    r"""A text whose `$$...$$` and `$...$` outside code are MathML.

    Example:
        >>> with_mathml("`$x$` and $x$")[:20]
        '`$x$` and <math xmln'
    """
    parts = _CODE.split(markdown)
    return "".join(part if i % 2 else _in_text(part) for i, part in enumerate(parts))


def _in_text(text):
    text = re.sub(r"\$\$(.+?)\$\$", lambda m: _block(m[1]), text, flags=re.DOTALL)
    return re.sub(r"\$([^$\n]+?)\$", lambda m: convert(m[1]), text)


def _block(tex):
    return f'<div class="formula">{convert(tex.strip(), display="block")}</div>'
