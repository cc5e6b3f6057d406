"""What a user holds: reader, model, search and writer in one object."""

from .outputs import Alignment, Scored
from .text_to_text import TextToText

__all__ = ["Alignment", "Scored", "TextToText"]
