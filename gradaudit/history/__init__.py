"""What earlier runs say about this one. The runs' folders are the truth; the index beside them only makes it quick."""

from gradaudit.history.changes import change_of, regressions
from gradaudit.history.index import Index, StoredRun
from gradaudit.history.past import compared, looked_back, remember
from gradaudit.history.pruning import prune

__all__ = [
    "Index",
    "StoredRun",
    "change_of",
    "compared",
    "looked_back",
    "prune",
    "regressions",
    "remember",
]
