"""What decodes: each system takes the same batches of texts and says how many ids it gave.

Only the call is timed. Texts go in and texts come out, but for CTranslate2, which takes pieces and gives pieces: its
tokenizers are left out of its time.
"""

from pathlib import Path
from typing import Any, NamedTuple, Protocol

from pipelines.bench.decode.cases import Case, Subject
from pipelines.settings import BenchDecode
from seq2seq_keras import export, tokens
from seq2seq_keras.errors import InputError
from seq2seq_keras.tasks import Scored, TextToText

LIVE = "live"
"""The system that the others are compared with."""
_OF_BEAM = ("width", "length_penalty")
"""What a beam in an export must have in common with the one that is measured."""


class Said(NamedTuple):
    """The outputs of a batch."""

    texts: list[str]
    lengths: list[int]
    """Ids of each, EOS included where it was said."""


class System(Protocol):
    """One way to decode with the weights of a subject."""

    def prepare(self, texts: list[str]) -> Any:
        """A batch as a call takes it; not timed."""

    def __call__(self, case: Case, given: Any) -> Any:
        """The outputs, in this system's own form; timed."""

    def read(self, case: Case, texts: list[str], found: Any) -> Said:
        """What a call gave for these texts; not timed."""


class Live:
    """`TextToText`, as a user calls it.

    Args:
        task: what the subject is.
        known: lengths of outputs by text, for systems that do not tell them; filled here.
    """

    def __init__(self, task: TextToText, known: dict[str, int]):
        self._task, self._known = task, known

    def prepare(self, texts: list[str]) -> list[str]:
        return texts

    def __call__(self, case: Case, given: list[str]) -> list[Scored]:
        self._task.batch_size = case.batch
        return [outputs[0] for outputs in self._task.nbest(given, case.search)]

    def read(self, case: Case, texts: list[str], found: list[Scored]) -> Said:
        said = Said([one.text for one in found], [len(one.pieces) for one in found])
        self._known |= dict(zip(*said, strict=True))
        return said


class Saved:
    """An export, by its endpoints of texts.

    Args:
        folder: of the SavedModel.
        known: lengths of outputs by text: an output that the live model did not give is cut into ids again.
    """

    def __init__(self, folder: Path, task: TextToText, known: dict[str, int]):
        self.exported, self._task, self._known = export.load(folder), task, known

    def prepare(self, texts: list[str]) -> list[str]:
        return texts

    def __call__(self, case: Case, given: list[str]) -> list[str]:
        self.exported.batch = case.batch
        endpoint = "greedy" if case.kind == "greedy" else "serving_default"
        return [text for text, _ in self.exported.scored(given, endpoint)]

    def read(self, case: Case, texts: list[str], found: list[str]) -> Said:
        again = tokens.encode_all(found, self._task.target).lengths + 1
        most = self._task.max_length
        return Said(found, [self._known.get(text, min(int(n), most)) for text, n in zip(found, again, strict=True)])


def saved(subject: Subject, settings: BenchDecode, folder: Path, known: dict[str, int]) -> Saved:
    """The SavedModel that was named, or one written to the folder.

    Raises:
        InputError: the one that was named has another beam than the one that is measured.
    """
    if settings.model is None:
        subject.task.export(folder)
        return Saved(folder, subject.task, known)
    found = Saved(settings.model, subject.task, known)
    theirs = found.exported.settings["search"]
    ours = {name: getattr(settings, setting) for name, setting in zip(_OF_BEAM, ("beam", "length_penalty"))}
    if "beam" in settings.search and any(theirs.get(name) != value for name, value in ours.items()):
        raise InputError(
            "it searches with " + ", ".join(f"{name} {theirs.get(name)}" for name in ours),
            where=settings.model,
            expected=", ".join(f"{name} {value}" for name, value in ours.items()),
            remedy="give --beam and --length-penalty as it was exported, or --search greedy",
        )
    return found
