"""Takes its time."""

import time

from hostile.healthy import waves as right
from hostile.healthy import waves_gradient as gradient

__all__ = ["gradient", "right"]

time.sleep(0.2)
