"""Decodes with Joey NMT, random weights: run by the interpreter that has it, never imported here.

    PEER_PYTHON -I apart_joeynmt.py task.json

Its versions are the first line that goes out. A line of JSON that comes in is a batch, ids of sources and the width of
the beam; what goes out then is how many ids were said to each. What runs is the toolkit's own `search`, as in its
predictions.
"""

import json
import sys
from importlib import metadata
from types import SimpleNamespace

import torch
from joeynmt.batch import Batch
from joeynmt.model import build_model
from joeynmt.search import search
from joeynmt.vocabulary import Vocabulary

SPECIALS = SimpleNamespace(
    unk_token="<unk>",
    pad_token="<pad>",
    bos_token="<s>",
    eos_token="</s>",
    sep_token=None,
    unk_id=0,
    pad_id=1,
    bos_id=2,
    eos_id=3,
    lang_tags=[],
)
"""Of its vocabularies, in the only order that it takes."""


def build(task):
    """A Transformer of the task's sizes, to decode with."""
    with open(task["vocabulary"], encoding="utf-8") as lines:
        words = [line.strip() for line in lines]
    own = ("<blank>", SPECIALS.bos_token, SPECIALS.eos_token)
    vocabulary = Vocabulary([word for word in words if word not in own], SPECIALS)
    side = {
        "type": "transformer",
        "num_layers": task["depth"],
        "num_heads": task["heads"],
        "hidden_size": task["width"],
        "ff_size": 4 * task["width"],
        "layer_norm": "pre",
        "embeddings": {"embedding_dim": task["width"], "scale": True},
    }
    return build_model({"encoder": side, "decoder": side}, vocabulary, vocabulary).eval()


def batch_of(rows, model):
    """The toolkit's own batch, padded as its loader pads."""
    rows = [torch.tensor(row) for row in rows]
    return Batch(
        src=torch.nn.utils.rnn.pad_sequence(rows, batch_first=True, padding_value=model.pad_index),
        src_length=torch.tensor([len(row) for row in rows]),
        src_prompt_mask=None,
        trg=None,
        trg_prompt_mask=None,
        indices=torch.arange(len(rows)),
        device=torch.device("cpu"),
        pad_index=model.pad_index,
        eos_index=model.eos_index,
        is_train=False,
    )


def main(task):
    """Answers batch after batch, until there are no more."""
    versions = {"joeynmt": metadata.version("joeynmt"), "torch of joeynmt": torch.__version__}
    print(json.dumps(versions), flush=True)
    model = build(task)
    for line in sys.stdin:
        asked = json.loads(line)
        found, _, _ = search(
            model,
            batch_of(asked["ids"], model),
            max_output_length=task["max_length"],
            beam_size=asked["beam"],
            beam_alpha=task["length_penalty"] if asked["beam"] > 1 else -1,
            min_output_length=task["max_length"],
        )
        ends = (model.pad_index, model.eos_index)
        print(json.dumps([sum(said not in ends for said in row) for row in found.tolist()]), flush=True)


if __name__ == "__main__":
    with open(sys.argv[1], encoding="utf-8") as opened:
        main(json.load(opened))
