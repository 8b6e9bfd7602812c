"""What gradaudit costs beside the same work done otherwise: ``python -m benchmarks`` prints every table."""
