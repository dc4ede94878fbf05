"""Lengths of time in words."""


def in_words(seconds: float) -> str:
    """A length of time to be read, not to be reckoned with.

    Args:
        seconds: at least 0.

    Example:
        >>> in_words(0.4), in_words(95), in_words(7000)
        ('1 s', '2 min', '1.9 h')
    """
    if seconds < 90:
        return f"{max(1, round(seconds))} s"
    if seconds < 5400:
        return f"{round(seconds / 60)} min"
    return f"{seconds / 3600:.1f} h"
