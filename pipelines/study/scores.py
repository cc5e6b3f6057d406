"""How the outputs of a study are scored: over all, and by the length of the source."""

import numpy as np

from pipelines import scores
from pipelines.study.splits import Corpora
from seq2seq_keras.metrics import bleu, chrf

_BUCKETS = 4
"""Groups of test sources by length."""
_FLOOR = 1.0
"""BLEU of the shortest sources from which on a share of it is told."""


def judged(outputs: list[str], corpora: Corpora, tokenize: str) -> dict:
    """Scores over all, and by length of the source in groups that are about equally large."""
    lengths = np.array([size(text, corpora.task) for text in corpora.sources])
    edges = sorted({int(np.quantile(lengths, place / _BUCKETS)) for place in range(1, _BUCKETS)})
    group = np.searchsorted(edges, lengths, side="left")
    by_length = []
    for number in np.unique(group):
        places = np.flatnonzero(group == number)
        said, right = [outputs[i] for i in places], [corpora.references[i] for i in places]
        least, most = lengths[places].min(), lengths[places].max()
        within = f"{least}" if least == most else f"{least} to {most}"
        by_length.append({"sources": within, "rows": len(places), **_score(said, right, corpora.task, tokenize)})
    return {"figures": _score(outputs, corpora.references, corpora.task, tokenize), "by_length": by_length}


def lost(by_length: list[dict]) -> float | None:
    """How much worse the longest sources are than the shortest.

    Of error rates that is a difference of points. Of BLEU it is the share lost, in percent: where little is said right,
    there are few points to lose.

    Args:
        by_length: as `judged` has it.

    Returns:
        None where BLEU of the shortest is so low that nothing can be said of what is lost.
    """
    first, last = by_length[0], by_length[-1]
    if "per" in first:
        return last["per"] - first["per"]
    return None if first["bleu"] < _FLOOR else 100 * (1 - last["bleu"] / first["bleu"])


def size(text: str, task: str) -> int:
    """Length of a source: words of a sentence, letters of a word."""
    return len(text) if task == "spelling" else len(text.split())


def _score(outputs: list[str], references: list[list[str]], task: str, tokenize: str) -> dict[str, float]:
    if task == "spelling":
        return scores.Edits().several(outputs, references)
    columns = [[texts[0] for texts in references]]
    return {"bleu": bleu(outputs, columns, tokenize).score, "chrf": chrf(outputs, columns).score}
