"""Types by the names that signatures give them."""

import numpy as np

_NAMES = {"DT_FLOAT": "float32", "DT_DOUBLE": "float64", "DT_HALF": "float16", "DT_BFLOAT16": "float32"}


def of_name(name: str) -> np.dtype:
    """NumPy's type for TensorFlow's, as `DT_INT32`; one that NumPy lacks is the next wider.

    Raises:
        TypeError: values of this type are not numbers.
    """
    return np.dtype(_NAMES.get(name, name.removeprefix("DT_").lower()))
