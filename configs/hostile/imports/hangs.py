"""Waits for nothing."""

import time

while True:
    time.sleep(10)
