"""Sizes in words. Pure."""

from __future__ import annotations


def size(size_bytes: int) -> str:
    """Return a size as people read it.

    Examples
    --------
    >>> size(999), size(1_250_000)
    ('999 B', '1.2 MB')
    """
    amount, unit = float(size_bytes), "B"
    for unit in ("B", "kB", "MB", "GB", "TB"):
        if amount < 999.5 or unit == "TB":
            break
        amount /= 1000
    return f"{amount:.0f} {unit}" if unit == "B" or amount >= 99.5 else f"{amount:.1f} {unit}"


def part_of(part_bytes: int, whole_bytes: int) -> str:
    """Return how much of something there is, so that the two can be told apart.

    Examples
    --------
    >>> part_of(1_000_000, 2_000_000), part_of(1_000_000, 1_000_004)
    ('1.0 MB of 2.0 MB', '1,000,000 of 1,000,004 bytes')
    """
    part, whole = size(part_bytes), size(whole_bytes)
    if part == whole:
        return f"{part_bytes:,} of {whole_bytes:,} bytes"
    return f"{part} of {whole}"
