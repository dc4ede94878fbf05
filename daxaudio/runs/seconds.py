"""Lengths of time in words, and places in hours of sound."""


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


def clock(seconds: float, digits: int = 0) -> str:
    """A place in a long recording, as h:mm:ss.

    Args:
        seconds: from its start, at least 0; rounded to the digits.
        digits: of the seconds behind the point.

    Example:
        >>> clock(7325.26), clock(7325.26, 1), clock(59.96, 1)
        ('2:02:05', '2:02:05.3', '0:01:00.0')
    """
    units = round(seconds * 10**digits)
    whole, part = divmod(units, 10**digits)
    text = f"{whole // 3600}:{whole // 60 % 60:02d}:{whole % 60:02d}"
    return f"{text}.{part:0{digits}d}" if digits else text
