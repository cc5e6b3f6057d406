"""What holds for every test of the server."""

import pytest


@pytest.fixture(autouse=True)
def _fresh():
    """In place of what clears Keras after every test: nothing here uses it, and it takes longer than a request."""
