"""Pages that hold everything in themselves and may load nothing.

A policy in the head of such a page forbids all but its own scripts, told by their digests, its own
style, told by a nonce, and what is written into it.
"""

from __future__ import annotations

import base64
import functools
import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from markupsafe import Markup

_PLAIN = " -_.,:()"
"""Signs that a string of CSS may hold as they are."""


def script_json(data: Mapping[str, Any]) -> Markup:
    r"""JSON that ends no script, whatever names are in it.

    Example:
        >>> print(script_json({"a": "</script>"}))
        {"a": "\u003c/script\u003e"}
    """
    text = json.dumps(data, allow_nan=False)
    for sign in "<>&\u2028\u2029":
        text = text.replace(sign, f"\\u{ord(sign):04x}")
    return Markup(text)


def policy_of(scripts: Sequence[str], nonce: str) -> str:
    """What a page may run and show: these scripts, and what is written into it.

    Args:
        scripts: texts of the page's scripts, as they stand in it.
        nonce: of its style.
    """
    digests = (hashlib.sha256(script.encode()).digest() for script in scripts)
    known = " ".join(f"'sha256-{base64.b64encode(one).decode()}'" for one in digests)
    return (
        f"default-src 'none'; script-src {known}; style-src 'nonce-{nonce}'; "
        "img-src data: blob:; media-src data: blob:; base-uri 'none'; form-action 'none'"
    )


def nonce_of(style: str) -> str:
    """The nonce of a style: it says which one, and the same page has the same bytes."""
    return hashlib.sha256(style.encode()).hexdigest()[:32]


@functools.cache
def source_of(name: str) -> str:
    """A script or a style of the package, of which no part ends the element that holds it.

    Args:
        name: below the folder of reports, such as "templates/explanation.js".
    """
    text = (Path(__file__).parent / name).read_text(encoding="utf-8")
    ending = "</style" if name.endswith(".css") else "</script"
    assert ending not in text.lower(), name
    return text


def css_text(text: str) -> str:
    r"""A string of CSS that shows a text, whatever is in it.

    Example:
        >>> print(css_text('a"b'))
        "a\22 b"
    """
    plain = (c if c.isascii() and (c.isalnum() or c in _PLAIN) else f"\\{ord(c):x} " for c in text)
    return f'"{"".join(plain)}"'
