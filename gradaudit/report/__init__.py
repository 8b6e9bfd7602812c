"""Shows audits and changes none: a shelf of formats, one file a format, chosen by the ending of an output's name."""

from gradaudit.report._card import card
from gradaudit.report._columns import table
from gradaudit.report._comparison import comparison, comparison_json
from gradaudit.report._files import OutputBroken, OutputError
from gradaudit.report._find import find_run, runs_of, suites_in
from gradaudit.report._journal import ResultsFile, is_being_written
from gradaudit.report._order import count_by_status
from gradaudit.report._reproduce import again, command, resumption
from gradaudit.report._schema import schemas
from gradaudit.report._shelf import (
    check,
    format_of,
    formats,
    read,
    render,
    write_all,
    write_beginning,
    write_latest,
)
from gradaudit.report.jsonl import Stored, read_stored
from gradaudit.report.text import number, one_line, summary

__all__ = [
    "OutputBroken",
    "OutputError",
    "ResultsFile",
    "Stored",
    "again",
    "card",
    "check",
    "command",
    "comparison",
    "comparison_json",
    "count_by_status",
    "find_run",
    "format_of",
    "formats",
    "is_being_written",
    "number",
    "one_line",
    "read",
    "read_stored",
    "render",
    "resumption",
    "runs_of",
    "schemas",
    "suites_in",
    "summary",
    "table",
    "write_all",
    "write_beginning",
    "write_latest",
]
