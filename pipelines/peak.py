"""How fast this machine multiplies matrices: what useful work is compared with."""

import functools
import time

import tensorflow as tf


def rate(rows: int, inner: int, columns: int, dtype: str, rounds: int = 5, seconds: float = 0.1) -> float:
    """Operations a second of one product; the best of several rounds, each of at least so many seconds."""
    shapes = ((rows, inner), (inner, columns))
    left, right = (tf.cast(tf.random.stateless_normal(shape, (0, 0)), dtype) for shape in shapes)
    multiply = tf.function(tf.matmul)
    float(multiply(left, right)[0, 0])
    best = 0.0
    for _ in range(rounds):
        begun, times = time.perf_counter(), 0
        while time.perf_counter() - begun < seconds:
            for _ in range(max(times, 1)):  # doubles: few looks at the result, which wait for a graphics card
                product = multiply(left, right)
            times += max(times, 1)
            float(product[0, 0])
        best = max(best, times / (time.perf_counter() - begun))
    return best * 2 * rows * inner * columns


@functools.cache
def measured(dtype: str) -> float:
    """Operations a second of the fastest square product, measured once a process, in a fraction of a second.

    Squares grow until one product takes a hundredth of a second, so that a large card is not judged by a small one.

    Args:
        dtype: numbers it computes in, as float32 or bfloat16.
    """
    best = 0.0
    for size in (512, 1024, 2048, 4096, 8192):
        found = rate(size, size, size, dtype, rounds=3, seconds=0.02)
        best = max(best, found)
        if 2 * size**3 / found >= 0.01:
            break
    return best
