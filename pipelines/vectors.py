"""Tables that begin with pretrained vectors: which file fills which, and what it covers of the vocabulary."""

import hashlib
from pathlib import Path

import numpy as np

from pipelines import families
from seq2seq_keras import data
from seq2seq_keras.context import EOS
from seq2seq_keras.embed import FrozenTable, ProjectedTable, TokenTable
from seq2seq_keras.errors import InputError
from seq2seq_keras.models.tables import Table
from seq2seq_keras.tokens import SPECIALS, Tokenizer


def check(settings) -> None:
    """Refuses settings of `Translate` that vectors cannot be used with; looks at no more than a file's first line.

    Raises:
        InputError: names the setting, or the file and its line.
    """
    files = [path for path in (settings.source_vectors, settings.target_vectors) if path is not None]
    if settings.vectors and not files:
        raise InputError(f"--vectors {settings.vectors} without vectors", remedy="add --source-vectors FILE")
    if settings.tokens.shared and settings.target_vectors:
        raise InputError(
            "--target-vectors, and both sides share one vocabulary and one table",
            remedy="give --source-vectors alone, or add --tokens.no-shared",
        )
    if files and settings.model.embedding:
        raise InputError(
            f"--embedding is {settings.model.embedding} and vectors are given",
            expected="one of them: vectors bring their width",
        )
    for path in files:
        data.vectors_width(path)


def tables(settings, material) -> tuple[int | Table, int | Table | None]:
    """What a family builds its tables from, source and target: a size, or a table with the vectors asked for in it.

    What was covered is noted in `material.report["vectors"]`, and what was taken in its `fingerprints`.

    Raises:
        InputError: a file that cannot be read, or that holds no word of the vocabulary.
    """
    train = material.train.first() if isinstance(material.train, data.Shards) else material.train
    ids = {"source": train.source.values, "target": train.target.values}
    sides = {"source": (material.source, settings.source_vectors)}
    if material.target is None:
        ids["source"] = np.concatenate(list(ids.values()))
    else:
        sides["target"] = (material.target, settings.target_vectors)
    prints = material.report["fingerprints"]
    prints |= dict.fromkeys(("source_vectors", "target_vectors"), "")
    found = {}
    for side, (tokenizer, path) in sides.items():
        found[side] = tokenizer.size
        if path is not None:
            name = "embedding" if material.target is None else f"{side}_embedding"
            found[side], covered, prints[f"{side}_vectors"] = _table(tokenizer, path, settings, name, ids[side])
            material.report.setdefault("vectors", {})[side] = covered
    return found["source"], found.get("target")


def lines(report: dict) -> list[str]:
    """For people: one line for each file of vectors in a `Material`'s report."""
    return [
        f"{side} vectors: {covered['file']}, {covered['width']} wide, {covered['kind']}, "
        f"for {covered['covered']:,} of {covered['pieces']:,} pieces ({covered['share']:.1%}), "
        f"{covered['share_of_tokens']:.1%} of the training tokens"
        for side, covered in report.get("vectors", {}).items()
    ]


def _table(tokenizer: Tokenizer, path: Path, settings, name: str, ids: np.ndarray) -> tuple[Table, dict, str]:
    """A table with the vectors of the pieces that are words, what they cover, and a hash of them.

    Args:
        ids: those trained on.
    """
    words = tokenizer.words
    places = np.array([place for place, word in enumerate(words) if word is not None], "int64")
    found = data.read_vectors(path, [words[place] for place in places])
    covered, width = places[found.places], found.matrix.shape[1]
    if not len(covered):
        raise InputError(
            f"holds none of the {len(places):,} words of a vocabulary of kind {tokenizer.kind}",
            where=path,
            expected="vectors of its words",
            remedy="give the vectors of this language, or another --tokens.kind",
        )
    model = families.arguments(settings.model)
    tied = model["tied"] if name != "source_embedding" else True  # which is never asked for a score
    kind = FrozenTable if settings.vectors == "frozen" else TokenTable
    if width == model["width"]:
        table = kind(tokenizer.size, width, tied, name=name)
    else:
        table = ProjectedTable(kind(tokenizer.size, width, name=f"{name}_table"), model["width"], tied, name=name)
    if settings.vectors != "learned":
        table.fill(covered, found.matrix)
    pieces, said = tokenizer.size - len(SPECIALS), ids[ids != EOS]
    told = {
        "file": str(path),
        "width": width,
        "kind": settings.vectors or "tuned",
        "covered": len(covered),
        "pieces": pieces,
        "share": len(covered) / pieces,
        "share_of_tokens": float(np.isin(said, covered).mean()),
    }
    return table, told, hashlib.sha256(covered.tobytes() + found.matrix.tobytes()).hexdigest()
