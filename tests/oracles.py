"""The formulas of the field in plain NumPy, float64: what the layers are held to."""

import numpy as np


def softmax(scores, axis=-1):
    powers = np.exp(scores - scores.max(axis=axis, keepdims=True))
    return powers / powers.sum(axis=axis, keepdims=True)


def sigmoid(x):
    return 1.0 / (1.0 + np.exp(-x))


def lstm_step(x, h, c, kernel, recurrent, bias):
    """i, f, g, o = split(x W + h U + b); c' = f c + i g; h' = o tanh(c')."""
    i, f, g, o = np.split(x @ kernel + h @ recurrent + bias, 4, axis=-1)
    c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
    return sigmoid(o) * np.tanh(c), c


def gru_step(x, h, kernel, recurrent, bias):
    """z, r gates and candidate with the reset applied after the recurrent product (the fused kernels' form)."""
    xz, xr, xn = np.split(x @ kernel + bias[0], 3, axis=-1)
    hz, hr, hn = np.split(h @ recurrent + bias[1], 3, axis=-1)
    z, r = sigmoid(xz + hz), sigmoid(xr + hr)
    return z * h + (1.0 - z) * np.tanh(xn + r * hn)


def additive_attention(query, memory, mask, w, b, u, v):
    """softmax over real positions of v . tanh(W q + b + U h), and the weighted memory."""
    scores = np.tanh((query @ w + b)[:, None] + memory @ u) @ v  # (B, S)
    weights = softmax(np.where(mask, scores, -np.inf))
    return np.einsum("bs,bsm->bm", weights, memory), weights


def multi_head_attention(queries, keys, values, mask):
    """softmax(Q K^T / sqrt(d)) V over (B, H, T, d); mask broadcast to (B, H, T, S)."""
    scores = np.einsum("bhtd,bhsd->bhts", queries, keys) / np.sqrt(queries.shape[-1])
    weights = softmax(np.where(mask, scores, -np.inf))
    return np.einsum("bhts,bhsd->bhtd", weights, values), weights


def layer_norm(x, gamma, beta, epsilon=1e-6):
    mean, variance = x.mean(-1, keepdims=True), x.var(-1, keepdims=True)
    return (x - mean) / np.sqrt(variance + epsilon) * gamma + beta


def sinusoids(length, width):
    """sin of p / 10000^(i / (D/2)) for the first half of the axes, cos for the second."""
    angles = np.arange(length)[:, None] / 10_000.0 ** (np.arange(width // 2) / (width // 2))
    return np.concatenate([np.sin(angles), np.cos(angles)], axis=-1)


def cross_entropy(labels, logits, smoothing, pad=0):
    """Sum of -q . log p over real labels, q = (1 - s) onehot + s / V, and the number of real labels."""
    logits = logits.astype("float64")
    log_probs = logits - logits.max(-1, keepdims=True)
    log_probs = log_probs - np.log(np.exp(log_probs).sum(-1, keepdims=True))
    wanted = np.eye(logits.shape[-1])[labels] * (1 - smoothing) + smoothing / logits.shape[-1]
    real = labels != pad
    return -(wanted * log_probs).sum(-1)[real].sum(), real.sum()


def numbers(layer_or_weight):
    """Weights as float64 arrays."""
    return np.array(layer_or_weight, dtype="float64")
