"""What can be known to be wrong with the settings of `prepare` before any file is read."""

from pipelines import checks, demands, runs, steps
from pipelines.settings import Prepare
from seq2seq_keras import data
from seq2seq_keras.errors import InputError


def check(settings: Prepare) -> None:
    """Refuses settings that cannot work, before any file is read.

    Raises:
        InputError: names the first such setting, what was found and what would do.
    """
    sides = ("max_source", "max_target")
    demands.from_one(settings, "sample", "max_characters")
    demands.demand(settings, sides, lambda value: 2 <= value <= 2**16, "from 2 (a token and the end) to 65536")
    demands.demand(settings, ["shards", "jobs"], lambda value: 1 <= value < 100_000, "from 1 to 99999")
    demands.demand(settings, ["seed"], lambda value: 0 <= value < 2**32, "from 0 to 4294967295")
    demands.from_one(settings, "max_ratio")
    demands.demand(settings, ["script_share"], lambda value: 0 <= value <= 1, "from 0 to 1")
    if settings.beam and settings.runner != "beam":
        raise InputError("--beam without --runner beam", remedy="add it")
    data.Cleaning(source_script=settings.source_script, target_script=settings.target_script)
    checks.columns(settings, "train")
    steps.check_files(settings.train, "train")
    if settings.train.source is None and settings.train.tsv is None:
        raise InputError("no training pairs", remedy="give --train.source and --train.target, or --train.tsv")
    if settings.vocabulary is not None and settings.tokens != Prepare(settings.output).tokens:
        raise InputError("--vocabulary and --tokens were both given", remedy="give one: learn a vocabulary or take it")
    runs.check_folder(settings.output)
