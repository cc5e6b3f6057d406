"""The formulas of the field in plain NumPy, float64: what the layers are held to."""

import math

import numpy as np


def softmax(scores, axis=-1):
    powers = np.exp(scores - scores.max(axis=axis, keepdims=True))
    return powers / powers.sum(axis=axis, keepdims=True)


def sigmoid(x):
    return 1.0 / (1.0 + np.exp(-x))


def rnn_step(x, h, kernel, recurrent, bias):
    """h' = tanh(x W + h U + b)."""
    return np.tanh(x @ kernel + h @ recurrent + bias)


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


def reversal(sequence, lengths):
    """Row by row the first `length` positions turned round, the rest where it was."""
    rows = [np.concatenate([row[:length][::-1], row[length:]]) for row, length in zip(sequence, lengths)]
    return np.stack(rows)


def pools(sequence, lengths):
    """Last, mean and greatest vector of the real positions, by name."""
    real = [row[:length] for row, length in zip(sequence, lengths)]
    return {
        "last": np.stack([row[-1] for row in real]),
        "mean": np.stack([row.mean(0) for row in real]),
        "max": np.stack([row.max(0) for row in real]),
    }


def attention_pool(sequence, lengths, w, b, v):
    """Row by row sum_i softmax_i(v . tanh(W h_i + b)) h_i over the real positions."""
    real = [row[:length] for row, length in zip(sequence, lengths)]
    return np.stack([softmax(np.tanh(row @ w + b) @ v) @ row for row in real])


def gated_convolution(x, kernel, bias):
    """(S, D) of one row to (x + a sigmoid(b)) sqrt(0.5), [a; b]_t = sum_k W_k x_(t + k - K // 2) + v."""
    side = len(kernel) // 2
    wide = np.pad(x, [(side, side), (0, 0)])
    a, b = np.split(sum(wide[k : k + len(x)] @ kernel[k] for k in range(len(kernel))) + bias, 2, axis=-1)
    return (x + a * sigmoid(b)) * np.sqrt(0.5)


def maxout(x, kernel, bias):
    """The larger of two linear maps, number by number."""
    return np.maximum(*np.split(x @ kernel + bias, 2, axis=-1))


def additive_attention(query, memory, mask, w, b, u, v, covered=0.0):
    """softmax over real positions of v . tanh(W q + b + U h + covered), and the weighted memory."""
    scores = np.tanh((query @ w + b)[:, None] + memory @ u + covered) @ v  # (B, S)
    return look(scores, memory, mask)


def dot_attention(query, memory, mask, kernel=None, scale=1.0):
    """softmax over real positions of scale * q . W h, and the weighted memory."""
    keys = memory if kernel is None else memory @ kernel
    return look(scale * np.einsum("bd,bsd->bs", query, keys), memory, mask)


def look(scores, memory, mask):
    weights = softmax(np.where(mask, scores, -np.inf))
    return np.einsum("bs,bsm->bm", weights, memory), weights


def copied(vocabulary, gate, weights, source):
    """g p(w) + (1 - g) sum of a_i over the i with x_i = w, one row: (V,), scalar, (S,), (S,)."""
    mixed = gate * vocabulary.astype("float64")
    for share, word in zip(weights, source):
        mixed[word] += (1.0 - gate) * share
    return mixed


def coverage(weights, lengths):
    """Mean over the real steps of sum_i min(a_t,i, sum of a_i before t): (B, T, S) and (B,)."""
    each = [np.minimum(row[t], row[:t].sum(0)).sum() for row, length in zip(weights, lengths) for t in range(length)]
    return np.mean(each)


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


def rotated(x, positions, base=10_000.0):
    """(T, d) read as d/2 complex numbers x_i + j x_(i + d/2), each times e^(j p base^(-i / (d/2)))."""
    half = x.shape[-1] // 2
    turns = np.exp(1j * np.asarray(positions)[:, None] * base ** (-np.arange(half) / half))
    turned = (x[:, :half] + 1j * x[:, half:]) * turns
    return np.concatenate([turned.real, turned.imag], axis=-1)


def activation(name):
    """ReLU; x times the probability of a standard normal number below it; x sigmoid(x)."""
    normal = np.vectorize(lambda x: x * (1.0 + math.erf(x / math.sqrt(2.0))) / 2.0)
    return {"relu": lambda x: np.maximum(x, 0.0), "gelu": normal, "silu": lambda x: x * sigmoid(x)}[name]


def cross_entropy(labels, logits, smoothing, pad=0):
    """Sum of -q . log p over real labels, q = (1 - s) onehot + s / V, and the number of real labels."""
    logits = logits.astype("float64")
    log_probs = logits - logits.max(-1, keepdims=True)
    log_probs = log_probs - np.log(np.exp(log_probs).sum(-1, keepdims=True))
    wanted = np.eye(logits.shape[-1])[labels] * (1 - smoothing) + smoothing / logits.shape[-1]
    real = labels != pad
    return -(wanted * log_probs).sum(-1)[real].sum(), real.sum()


def r_drop(labels, first, second, smoothing, alpha, pad=0):
    """Sum over real labels of (CE_1 + CE_2) / 2 + alpha / 4 * (KL(p || q) + KL(q || p)), and their number."""
    p, q = softmax(first.astype("float64")), softmax(second.astype("float64"))
    apart = ((p * np.log(p / q)).sum(-1) + (q * np.log(q / p)).sum(-1))[labels != pad].sum()
    one, count = cross_entropy(labels, first, smoothing, pad)
    return (one + cross_entropy(labels, second, smoothing, pad)[0]) / 2 + alpha / 4 * apart, count


def unit_rows(vectors):
    """Vectors times one number, so that their mean square is 1 / D."""
    vectors = vectors.astype("float64")
    return vectors / np.sqrt((vectors**2).mean() * vectors.shape[-1])


def constant(share):
    return lambda count: share


def linear(k, floor):
    """max(floor, 1 - k i)."""
    return lambda count: max(floor, 1.0 - k * count)


def exponential(k):
    """k^i."""
    return lambda count: k**count


def inverse_sigmoid(k):
    """k / (k + exp(i / k))."""
    return lambda count: k / (k + np.exp(count / k))


def clipped(gradient, norm):
    """g * norm / max(|g|, norm), |g| over all numbers."""
    return gradient if norm is None else gradient * norm / max(np.sqrt((gradient**2).sum()), norm)


def adam(weight, gradients, rate, beta_1, beta_2, epsilon, clip=None):
    """m, v = moving means of g and g^2; w -= rate * m_hat / (sqrt(v_hat) + e), the means without their start at 0.

    As Keras and Kingma and Ba (2015, end of section 2) compute it: sqrt(1 - b2^t) goes to the rate, so that epsilon
    is added to sqrt(v) and not to sqrt(v_hat). The weight after each step.
    """
    weight, m, v, found = weight.astype("float64"), 0.0, 0.0, []
    for t, gradient in enumerate(gradients, start=1):
        gradient = clipped(gradient.astype("float64"), clip)
        m = beta_1 * m + (1 - beta_1) * gradient
        v = beta_2 * v + (1 - beta_2) * gradient**2
        step = rate * np.sqrt(1 - beta_2**t) / (1 - beta_1**t)
        weight = weight - step * m / (np.sqrt(v) + epsilon)
        found.append(weight)
    return found


def rmsprop(weight, gradients, rate, rho, epsilon, clip=None):
    """v = moving mean of g^2; w -= rate * g / sqrt(v + e). The weight after each step."""
    weight, v, found = weight.astype("float64"), 0.0, []
    for gradient in gradients:
        gradient = clipped(gradient.astype("float64"), clip)
        v = rho * v + (1 - rho) * gradient**2
        weight = weight - rate * gradient / np.sqrt(v + epsilon)
        found.append(weight)
    return found


def numbers(layer_or_weight):
    """Weights as float64 arrays."""
    return np.array(layer_or_weight, dtype="float64")
