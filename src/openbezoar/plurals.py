"""How many of something, in words."""

__all__ = ["counted"]


def counted(count: int, noun: str) -> str:
    """A number with its noun, both as people write them.

    >>> counted(1, "row"), counted(0, "row"), counted(1200, "seed")
    ('1 row', '0 rows', '1,200 seeds')
    """
    return f"{count:,} {noun}{'' if count == 1 else 's'}"
