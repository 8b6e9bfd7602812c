"""Puts something that is no module in its own place."""

import sys


class _Impostor:
    def __getattr__(self, name: str) -> object:
        raise SystemExit(f"asked for {name}")


sys.modules[__name__] = _Impostor()  # type: ignore[assignment]
