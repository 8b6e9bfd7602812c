"""Property tests are the same on every machine: no clock, no chance."""

from hypothesis import settings

settings.register_profile("gradaudit", deadline=None, derandomize=True)
settings.load_profile("gradaudit")
