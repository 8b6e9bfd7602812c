"""Needs what is not installed."""

import hostile_package_that_does_not_exist

__all__ = ["hostile_package_that_does_not_exist"]
