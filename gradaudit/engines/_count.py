"""How messages count: ``1 array``, ``2 arrays``."""


def counted(number: int, noun: str) -> str:
    """``number`` and the noun, in the plural where it is not one."""
    return f"{number} {noun}" + "s" * (number != 1)
