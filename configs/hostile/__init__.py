"""Functions that do everything to a run that Python, NumPy and Linux allow: see hostile.yaml."""
