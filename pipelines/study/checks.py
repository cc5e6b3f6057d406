"""What can be known to be wrong with a study before any work is done."""

from dataclasses import fields

from pipelines import checks, demands, families, runs
from pipelines.settings import Study, Translate
from pipelines.study import splits
from pipelines.study.question import Question
from seq2seq_keras.errors import InputError


def study(settings: Study, question: Question) -> None:
    """Refuses what needs no corpus to be known.

    Raises:
        InputError: names the first such flag, what was found and what would do.
    """
    seeds = settings.seeds
    if not seeds or len(set(seeds)) < len(seeds) or not all(0 <= seed < 2**32 for seed in seeds):
        raise InputError(f"--seeds is {seeds}", expected="one or more from 0 to 4294967295, each once")
    demands.above_zero(settings, "minutes", "epochs", "pairs", "parameters", "beam")
    for name in ("train", "valid", "test"):
        checks.columns(settings, name)
    _vectors(settings)
    if settings.parameters and settings.name != "families":
        raise InputError(f"--parameters is not for {settings.name}", expected="it with families")
    if settings.parameters and settings.model.width != Study.model.width:
        raise InputError("--parameters and --width were given", remedy="give one or the other")
    if settings.name == "forcing" and families.takes(settings.model.family, "heads"):
        raise InputError(
            f"forcing is not for --model {settings.model.family}, which is fed its own words in one pass over the "
            "right ones",
            expected="a recurrent model",
        )
    _own(settings, question)
    runs.check_report_folder(splits.folder(settings))


def variants(asked: Translate, question: Question) -> None:
    """Refuses a model that cannot be built or trained, before any is.

    Raises:
        InputError: names the variant, and the first flag that cannot be.
    """
    for name, changes in question.variants.items():
        for budget in question.budgets:
            try:
                checks.translate(splits.changed(asked, changes | budget.changes))
            except InputError as error:
                raise InputError(error.found, where=name, expected=error.expected, remedy=error.remedy) from None


def _vectors(settings: Study) -> None:
    given = settings.source_vectors or settings.target_vectors
    if settings.name == "embeddings" and not given:
        raise InputError(
            "embeddings needs vectors to begin with",
            remedy="give a GloVe or word2vec text file with --source-vectors, --target-vectors or both",
        )
    if settings.name != "embeddings" and given:
        raise InputError(f"{settings.name} takes no vectors", remedy="leave --source-vectors and --target-vectors out")


def _own(settings: Study, question: Question) -> None:
    """Refuses a flag of the model that the study sets in all its variants, and not as it was given."""
    for field in fields(settings.model):
        value, path = getattr(settings.model, field.name), f"model.{field.name}"
        chosen = [changes[path] for changes in question.variants.values() if path in changes]
        everywhere = len(chosen) == len(question.variants)
        if value != getattr(Study.model, field.name) and everywhere and any(each != value for each in chosen):
            raise InputError(f"{families.flag(field.name)} is what {settings.name} sets itself", remedy="leave it out")
