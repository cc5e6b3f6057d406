"""What a user holds: reader, model, search and writer in one object."""

from .text_to_text import Alignment, Scored, TextToText

__all__ = ["Alignment", "Scored", "TextToText"]
