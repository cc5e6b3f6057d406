"""Encoder-decoder models for Keras 3: from raw pairs to a served model.

The folders are the architecture, and imports point one way along this line:

context -> data -> tokens -> embed -> attention -> encoders -> bridges -> decoders -> objectives
        -> models -> metrics -> decode -> training -> export -> tasks

Import the folder you need: `from seq2seq_keras import data, models`. Nothing is loaded before.
"""
