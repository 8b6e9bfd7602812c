"""Prints."""

from hostile.healthy import waves as right
from hostile.healthy import waves_gradient as gradient

__all__ = ["gradient", "right"]

print("printed by an import")
