"""Shows audits and changes none: a shelf of formats, one file a format, chosen by the ending of an output's name."""

from gradaudit.report._files import OutputError
from gradaudit.report._order import count_by_status
from gradaudit.report._reproduce import command
from gradaudit.report._shelf import check, format_of, formats, read, render, write_all, write_latest
from gradaudit.report.jsonl import ResultsFile, read_results
from gradaudit.report.text import one_line, summary

__all__ = [
    "OutputError",
    "ResultsFile",
    "check",
    "command",
    "count_by_status",
    "format_of",
    "formats",
    "one_line",
    "read",
    "read_results",
    "render",
    "summary",
    "write_all",
    "write_latest",
]
