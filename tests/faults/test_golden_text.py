"""Row 5: odd characters mean the same to who trains on texts, to who trains on shards, and to an exported model."""

import numpy as np
import pytest

from pipelines.__main__ import main
from seq2seq_keras import data, decode, export, tokens
from seq2seq_keras.context import EOS, PAD
from tests import cases

LETTERS = "a bcd\u00e9\U0001f600\N{SNOWMAN}\u200c\u0645\u06cc\u062e\u0648\u0627\u0647"
GOLDEN = {
    "ab": "ab",
    " a \tb ": "a b",
    "a\r": "a",
    "a\u2028b\u2029c\x85d": "a b c d",
    "a\x0bb\x0cc": "a b c",
    "a\xa0b\u3000c": "a b c",
    "\U0001f600 \u00e9e\u0301": "\U0001f600 \u00e9\u00e9",
    "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647": "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647",
    "\uff41\u0308\N{SNOWMAN}\u00df": "\u00e4\N{SNOWMAN}\u00df",
    "\u65e5\u672c\u8a9e": "\u65e5\u672c\u8a9e",
}
"""What each row of a file means, in the characters that the vocabulary sees."""


@pytest.fixture(scope="module")
def paths(tmp_path_factory):
    """The rows as a table, with CR LF and a byte order mark, and a SavedModel with the vocabulary of their letters."""
    folder = tmp_path_factory.mktemp("golden")
    model = next(case for case in cases.MODELS if case.name == "transformer-two-vocabularies").build()
    source = tokens.Characters.learn([LETTERS])
    target = tokens.Characters.learn(["abcdefghijklmnopqrstuvw"[: model.target_embedding.size - 4]])
    for name, tokenizer in (("source", source), ("target", target)):
        tokens.save(tokenizer, folder / "vocabulary" / name)
    limits = {"search": decode.Greedy(), "max_source": 12, "max_length": 4}
    export.write(folder / "model" / "1", model, source, target, **limits)
    rows = [f"{raw.replace(chr(9), ' ')}\t{names(number)}" for number, raw in enumerate(GOLDEN)]
    (folder / "raw.tsv").write_bytes(("\ufeff" + "".join(f"{row}\r\n" for row in rows)).encode())
    return folder, source, target


def names(number: int) -> str:
    """A target that no other row has."""
    return "abcdef"[number % 6] + "abcdef"[number // 6]


def by_target(examples: data.Examples) -> dict[tuple, tuple]:
    """Ids of targets to ids of sources."""
    return {tuple(examples.target[row].tolist()): tuple(examples.source[row].tolist()) for row in range(len(examples))}


def test_odd_characters_mean_the_same_on_every_path(paths, tmp_path):
    folder, source, target = paths
    corpus = data.read_pairs(folder / "raw.tsv")
    assert not corpus.rejected
    live, left_out = tokens.encode_pairs(corpus.source, corpus.target, source, target, 20, 20)
    assert not any(rows.any() for rows in left_out.values())
    wanted = [(*source.encode([text]).to_list()[0], EOS) for text in GOLDEN.values()]
    assert [tuple(live.source[row].tolist()) for row in range(len(live))] == wanted

    words = [f"--train.tsv={folder / 'raw.tsv'}", f"--vocabulary={folder / 'vocabulary'}", "--jobs=1"]
    assert main(["prepare", *words, f"--output={tmp_path / 'shards'}"]) == 0
    assert by_target(data.Shards(tmp_path / "shards").examples(0)) == by_target(live)

    served = export.load(folder / "model" / "1")
    endpoint = served._module.signatures["tokenize"]
    for raw, ids in zip(corpus.source, wanted):
        said = np.ravel(endpoint(text=np.array([raw.encode()], object))["source"])
        assert tuple(said[said != PAD].tolist()) == ids
    # What a file's reader takes away before, the graph takes away itself.
    assert served.scored(list(GOLDEN)) == served.scored(list(GOLDEN.values()))
