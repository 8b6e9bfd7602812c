"""Raises."""

raise RuntimeError("no import today")
