"""What each command can be told: one frozen dataclass a command, one docstring a field.

The command line, its help and the `settings.json` of a run are made from these; a name that is not here is an error.
"""

from .bench import Bench, BenchDecode, BenchOverhead, BenchPrepare, BenchServe
from .corpus import Files, Inspect, Prepare, Vocabulary
from .decoding import Evaluate, Export, Generate, Rules, Strategy
from .model import Family, Model
from .search import Families, Study, Tune
from .services import Monitor, Serve
from .training import Adapt, Board, Objective, Quickstart, Tokenize, Translate

__all__ = [
    "Adapt",
    "Bench",
    "BenchDecode",
    "BenchOverhead",
    "BenchPrepare",
    "BenchServe",
    "Board",
    "Evaluate",
    "Export",
    "Families",
    "Family",
    "Files",
    "Generate",
    "Inspect",
    "Model",
    "Monitor",
    "Objective",
    "Prepare",
    "Quickstart",
    "Rules",
    "Serve",
    "Strategy",
    "Study",
    "Tokenize",
    "Translate",
    "Tune",
    "Vocabulary",
]
