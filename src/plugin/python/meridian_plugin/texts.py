"""Texts within the limits of the wire."""


def beginning_of(text: str, bytes_max: int) -> str:
    """As many whole characters as take so many bytes; a lone surrogate becomes `?`."""
    encoded = text.encode(errors="replace")[:bytes_max]
    return encoded.decode(errors="ignore")
