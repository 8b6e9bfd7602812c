"""Picture of a report: ``python scripts/screenshot.py REPORT.html OUT.png [--dark] [--size 1400x900] [--case ID]``.

Needs Chromium on the path. ``scripts/draw_report.py`` makes the picture of the README.
"""

import argparse
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from urllib.parse import quote

QUIET = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--hide-scrollbars",
)


def browse(report: Path, *asked: str, size: str, case: str | None = None) -> str:
    """Open ``report`` in headless Chromium, at ``case`` if given; what it prints when ``asked`` so by its options."""
    browser = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if browser is None:
        sys.exit(f"{sys.argv[0]}: no Chromium on the path; install it, for example from your distribution")
    address = report.resolve().as_uri() + (f"#{quote(case, safe='')}" if case else "")
    with tempfile.TemporaryDirectory() as profile:
        options = [*QUIET, f"--user-data-dir={profile}", f"--window-size={size.replace('x', ',')}", *asked]
        command = [browser, *options, "--virtual-time-budget=3000", address]
        return subprocess.run(command, check=True, capture_output=True, encoding="utf-8").stdout


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("report", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--size", default="1400x900")
    parser.add_argument("--dark", action="store_true")
    parser.add_argument("--case")
    given = parser.parse_args()
    dark = ["--blink-settings=preferredColorScheme=0"] if given.dark else []
    browse(given.report, f"--screenshot={given.out.resolve()}", *dark, size=given.size, case=given.case)


if __name__ == "__main__":
    main()
