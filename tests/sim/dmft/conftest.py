"""Real networks of finite width in plain numpy: they know nothing of fields, kernels or responses."""

from types import SimpleNamespace

import numpy as np
import pytest
from scipy.special import erf, expit, softmax

ACTIVATIONS = {
    "linear": (lambda h: h, np.ones_like),
    "tanh": (np.tanh, lambda h: 1 - np.tanh(h) ** 2),
    "relu": (lambda h: np.maximum(h, 0), lambda h: (h > 0).astype(float)),
    "erf": (erf, lambda h: 2 / np.sqrt(np.pi) * np.exp(-(h**2))),
    "softplus": (lambda h: np.logaddexp(0, h), expit),
    "gelu": (
        lambda h: h * 0.5 * (1 + erf(h / np.sqrt(2))),
        lambda h: 0.5 * (1 + erf(h / np.sqrt(2))) + h * np.exp(-(h**2) / 2) / np.sqrt(2 * np.pi),
    ),
}


def residuals(loss, f, y):
    """Return -dl/df (P, K)."""
    if loss == "mse":
        return y - f
    return y - softmax(f, axis=1) if loss == "cross-entropy" else y * expit(-y * f)


def network(
    inputs, targets, *, layers, width, seed, gamma, lr, steps, activation="linear", loss="mse", momentum=0.0,
    weight_decay=0.0, batches=None, residual=None, record=True,
):  # fmt: skip
    """Train f = w phi(h^L) / (gamma N), all weights N(0, 1), at the rate lr gamma^2 N, centred.

    Returns outputs (T+1, P, K) and, with `record`, h^1..h^L and g^1..g^L at every step for the two-time
    kernels:
    features[layer] (T+1, P, N), gradients[layer] (T+1, P, K, N).
    """
    rng = np.random.default_rng(seed)
    (samples, dim), outputs = inputs.shape, targets.shape[1]
    phi, slope = ACTIVATIONS[activation]
    b = 1.0 if residual is None else residual / np.sqrt(layers - 1)
    skip = 0.0 if residual is None else 1.0
    shapes = [(width, dim), *[(width, width)] * (layers - 1), (outputs, width)]
    weights = [rng.standard_normal(shape) for shape in shapes]
    velocity = [np.zeros(shape) for shape in shapes]
    batches = np.tile(np.arange(samples), (steps + 1, 1)) if batches is None else batches
    out, features, gradients, start = [], [], [], 0.0
    for t in range(steps + 1):
        h = [inputs @ weights[0].T / np.sqrt(dim)]
        for w in weights[1:-1]:
            h.append(skip * h[-1] + b * phi(h[-1]) @ w.T / np.sqrt(width))
        f = phi(h[-1]) @ weights[-1].T / (gamma * width)
        start = f if t == 0 else start
        out.append(f - start)
        # g^l (P, K, N) = gamma N df/dh^l
        g = [slope(h[-1])[:, None] * weights[-1]]
        for layer in range(layers - 1, 0, -1):
            back = g[0] @ weights[layer] / np.sqrt(width)
            g.insert(0, skip * g[0] + b * slope(h[layer - 1])[:, None] * back)
        if record:
            features.append([inputs / np.sqrt(dim), *[phi(x) for x in h]])
            gradients.append(g)
        delta = np.zeros((samples, outputs))
        np.add.at(delta, batches[t], residuals(loss, out[-1], targets)[batches[t]])
        c = lr * gamma / batches.shape[1]
        pushed = [np.einsum("pk,pkn->pn", delta, x) for x in g]
        before = [inputs / np.sqrt(dim), *[b * phi(x) / np.sqrt(width) for x in h[:-1]]]
        steps_of = [x.T @ y for x, y in zip(pushed, before, strict=True)] + [delta.T @ phi(h[-1])]
        for layer, step in enumerate(steps_of):
            velocity[layer] = momentum * velocity[layer] + c * step - lr * weight_decay * weights[layer]
            weights[layer] += velocity[layer]
    return SimpleNamespace(
        outputs=np.array(out),
        features=[np.array(x) for x in zip(*features, strict=True)],
        gradients=[np.array(x) for x in zip(*gradients, strict=True)],
    )


def feature_kernel(net, layer):
    """Return Phi^l (T+1, P, T+1, P)."""
    x = net.features[layer]
    scale = 1 if layer == 0 else x.shape[-1]
    return np.einsum("tpn,sqn->tpsq", x, x, optimize=True) / scale


def gradient_kernel(net, layer):
    """Return G^l (T+1, P, K, T+1, P, K) of hidden layer layer = 1 ... L."""
    x = net.gradients[layer - 1]
    return np.einsum("tpin,sqjn->tpisqj", x, x, optimize=True) / x.shape[-1]


@pytest.fixture(scope="session")
def networks():
    """Return what trains networks in numpy and forms their kernels."""
    return SimpleNamespace(train=network, feature_kernel=feature_kernel, gradient_kernel=gradient_kernel)


def sample_march(kernel, targets, layers, gamma, lr, steps, *, responses=True, euler=False):
    """March deep linear networks, one output, on matrices of steps x samples: the equations as published.

    Independent of the library, which never forms a matrix of that size while it marches. `responses=False`
    sets A = B = 0 (the gradient independence ansatz); `euler=True` steps the outputs by the tangent kernel.
    """
    p, times = len(targets), steps + 1
    n, c = times * p, lr * gamma / p
    h = [np.zeros((n, n)) for _ in range(layers + 1)]
    h[0] = np.kron(np.ones((times, times)), kernel)
    g = [np.zeros((times, times)) for _ in range(layers + 1)] + [np.ones((times, times))]
    hu, gu = ([np.zeros(s) for _ in range(layers + 1)] for s in ((n, n), (times, n)))
    hr, gr = ([np.zeros(s) for _ in range(layers + 1)] for s in ((n, times), (times, times)))
    f, delta = np.zeros((times, p)), np.zeros((times, p))
    for t in range(times):
        now, past, upto = slice(t * p, (t + 1) * p), slice(0, t * p), slice(0, (t + 1) * p)
        for layer in range(1, layers + 1):
            forward = c * np.einsum("psn,sn->ps", h[layer - 1][now, past].reshape(p, t, p), delta[:t])
            if layer > 1 and responses:
                forward = forward + hr[layer - 1][now, :t]
            hu[layer][now, upto] = forward @ gu[layer][:t, upto]
            hu[layer][now, now] += np.eye(p)
            hr[layer][now, :t] = forward @ gr[layer][:t, :t]
            h[layer][now, upto] = hu[layer][now, upto] @ h[layer - 1][upto, upto] @ hu[layer][upto, upto].T
            h[layer][now, upto] += hr[layer][now, :t] @ g[layer + 1][:t, :t] @ hr[layer][upto, :t].T
            h[layer][upto, now] = h[layer][now, upto].T
        answered = hr[layers][now, :t].sum(1) if responses or layers == 1 else 0.0
        if euler and t:
            before = slice((t - 1) * p, t * p)
            tangent = sum(
                h[layer][before, before] * g[layer + 1][t - 1, t - 1] for layer in range(layers + 1)
            )
            f[t] = f[t - 1] + lr / p * tangent @ delta[t - 1]
        else:
            learned = c * np.einsum("psn,sn->p", h[layers][now, past].reshape(p, t, p), delta[:t])
            f[t] = (answered + learned) / gamma
        delta[t] = targets - f[t]
        for layer in range(layers, 0, -1):
            back = c * (g[layer + 1][t, :t, None] * delta[:t]).reshape(-1)
            if layer < layers and responses:
                back = back + gu[layer + 1][t, past]
            gu[layer][t, past], gr[layer][t, :t], gr[layer][t, t] = (
                back @ hu[layer][past, past],
                back @ hr[layer][past, :t],
                1,
            )
            q = slice(0, t + 1)
            g[layer][t, q] = gu[layer][t, past] @ h[layer - 1][past, past] @ gu[layer][q, past].T
            g[layer][t, q] += gr[layer][t, q] @ g[layer + 1][q, q] @ gr[layer][q, q].T
            g[layer][q, t] = g[layer][t, q]
    shaped = [x.reshape(times, p, times, p) for x in h]
    return SimpleNamespace(outputs=f, features=shaped, gradients=g[1:])


@pytest.fixture(scope="session")
def published():
    """Return the march on matrices of steps x samples."""
    return sample_march
