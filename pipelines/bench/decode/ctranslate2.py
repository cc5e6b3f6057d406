"""CTranslate2 as a peer: the same weights in its own format, by its own engine."""

from pathlib import Path

from pipelines.bench.decode.cases import Case, Subject
from pipelines.bench.decode.systems import Said
from seq2seq_keras.export import ctranslate2


class CTranslate2:
    """Pieces in, pieces out: text is cut and joined outside its time.

    Args:
        folder: that `write` wrote.
        numbers: what it computes in, `float32` or `int8`.
        cores: threads it may use.
        apart: a batch is cut into as many as there are threads, which run side by side; else all work on the whole.
    """

    def __init__(self, folder: Path, numbers: str, cores: int, apart: bool = False):
        self._batches = cores if apart else 1
        threads = {"inter_threads": self._batches, "intra_threads": cores // self._batches}
        self._translator = ctranslate2.load(folder, compute_type=numbers, **threads)

    def prepare(self, texts: list[str]) -> list[list[str]]:
        return self._translator.pieces(texts)

    def __call__(self, case: Case, given: list[list[str]]) -> list:
        return self._translator.engine.translate_batch(
            given,
            beam_size=case.search.width,
            length_penalty=getattr(case.search, "length_penalty", 0.0),
            max_decoding_length=self._translator.max_length,
            max_input_length=0,  # pieces are cut already
            min_decoding_length=0,
            return_end_token=True,
            max_batch_size=-(-len(given) // self._batches),
        )

    def read(self, case: Case, texts: list[str], found: list) -> Said:
        said = [result.hypotheses[0] for result in found]
        return Said(self._translator.read(said), [len(pieces) for pieces in said])


def write(folder: Path, subject: Subject) -> Path:
    """The weights in CTranslate2's format.

    Raises:
        InputError: it is not installed, or has no such model.
    """
    return subject.task.export(folder, write=ctranslate2.write)
