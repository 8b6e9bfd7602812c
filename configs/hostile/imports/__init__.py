"""Modules that do harm when they are imported."""
