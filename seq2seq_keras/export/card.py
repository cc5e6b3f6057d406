"""The model card: what a stranger must know before using an export."""

import datetime
from dataclasses import dataclass, field

from seq2seq_keras.errors import InputError
from seq2seq_keras.export.signatures import ENDPOINTS

_HOW = """\
```python
import tensorflow as tf
import tensorflow_text  # registers the ops of the tokenizer

model = tf.saved_model.load(FOLDER)
found = model.signatures["serving_default"](text=tf.constant(["..."]))
print(found["text"].numpy()[0].decode(), float(found["score"][0]))
```
"""


@dataclass(frozen=True)
class Card:
    """What only the one who trained the model knows.

    Args:
        title: name of the model.
        family: kind of model, as `transformer`.
        data: what it was trained on: a text, or figures by name.
        scores: figures by name, as measured on data it was not trained on.
        date: of the export; today by default.
        notes: anything else, as Markdown: intended use, limits, licence.
    """

    title: str = "Sequence to sequence model"
    family: str = ""
    data: str | dict = ""
    scores: dict = field(default_factory=dict)
    date: str = field(default_factory=lambda: datetime.date.today().isoformat())
    notes: str = ""

    @classmethod
    def of(cls, given: "Card | dict | None") -> "Card":
        """A card from whatever a caller has."""
        if isinstance(given, Card):
            return given
        given = dict(given or {})
        unknown = sorted(set(given) - set(cls.__dataclass_fields__))
        if unknown:
            known = ", ".join(cls.__dataclass_fields__)
            raise InputError(f"a model card has no {', '.join(unknown)}", expected=known)
        return cls(**given)


def render(card: Card, facts: dict, use: str = "") -> str:
    """The card as Markdown.

    Args:
        facts: figures of the export itself by name, such as the number of parameters.
        use: how to call it, as Markdown; nothing means as a SavedModel.
    """
    about = ({"family": card.family} if card.family else {}) | facts | {"date": card.date}
    sections = [
        f"# {card.title}",
        _table(("", ""), about),
        "## Data",
        (_table(("", ""), card.data) if isinstance(card.data, dict) else card.data) or "Not stated.",
        "## Scores",
        _table(("measure", "value"), card.scores) if card.scores else "Not stated.",
        use or _of_saved_model(),
        "`manifest.json` holds the SHA-256 of every file.",
    ]
    if card.notes:
        sections += ["## Notes", card.notes]
    return "\n\n".join(section.strip() for section in sections) + "\n"


def _of_saved_model() -> str:
    sections = [
        "## Endpoints",
        _table(("signature", "what it does"), {f"`{name}`": line for name, line in ENDPOINTS.items()}),
        "Ids 0 to 3 are padding, unknown, begin and end. Every source ends with the end id.",
        "## How to load it",
        _HOW.strip(),
    ]
    return "\n\n".join(sections)


def _table(head: tuple[str, str], rows: dict) -> str:
    lines = ["| {} | {} |".format(*head), "| --- | --- |"]
    for name, value in rows.items():
        shown = f"{value:,}" if isinstance(value, int) else f"{value:.4g}" if isinstance(value, float) else str(value)
        lines.append(f"| {_cell(name)} | {_cell(shown)} |")
    return "\n".join(lines)


def _cell(text: str) -> str:
    """One cell: a bar or a new line inside would end it."""
    return " ".join(str(text).replace("|", "\\|").split())
