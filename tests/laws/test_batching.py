"""A row alone gives what it gives in a batch."""

import numpy as np
import pytest

from tests import cases


@pytest.mark.parametrize("case", cases.costly(cases.MODELS), ids=str)
def test_one_by_one_equals_the_batch(case):
    model = case.build()
    cases.shake(model)
    source, target = cases.sources(), cases.targets()
    together = model({"source": source, "target": target})
    for row, length in enumerate(cases.LENGTHS):
        alone = model({"source": source[row : row + 1, :length], "target": target[row : row + 1]})
        np.testing.assert_allclose(alone[0], together[row], atol=5e-6)
