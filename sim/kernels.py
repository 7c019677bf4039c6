r"""Kernels of networks at initialisation: NNGP and NTK of any activation, in closed form where there is one.

Weights are N(0, 1) and layers $h^{l+1} = W \phi(h^l) / \sqrt N$, so $\Phi^l = \langle \phi(h^l) \phi(h^l)
\rangle$ with $h^l$ Gaussian of covariance $\Phi^{l-1}$, $\Phi^0 = K^x$; $\phi$ carries no factor such as sqrt
2.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from scalewright.sim.dmft.activations import Activation, activation_of

#: Gauss-Hermite nodes in each of the two directions of a pair of preactivations.
NODES = 60


@dataclass(frozen=True)
class Kernels:
    """Kernels of all layers at initialisation.

    Attributes:
        features: Phi^0 ... Phi^L, (L+1, P, P).
        slopes: <phi'(h^l) phi'(h^l)> of the hidden layers 1 ... L, (L, P, P).
        gradients: G^1 ... G^(L+1), G^(L+1) = 1 and G^l = G^(l+1) times the slope kernel, (L+1, P, P).
        ntk: sum over weight layers of Phi^l G^(l+1), entry by entry, (P, P).
    """

    features: np.ndarray
    slopes: np.ndarray
    gradients: np.ndarray
    ntk: np.ndarray


def initial(kernel: Any, *, hidden_layers: int, activation: str | Activation = "linear") -> Kernels:
    r"""Return NNGP and NTK of a fully connected network, $\Theta = \sum_{l=0}^{L} \Phi^l \circ G^{l+1}$.

    Closed forms for linear, ReLU (Cho and Saul, NeurIPS 2009, eqs. 6 and 7) and erf (Williams, NeurIPS 1996,
    eq. 11); Gauss-Hermite quadrature with 60 x 60 nodes for the others (1e-12 for tanh on unit variances).

    Args:
        kernel: K^x (P, P).
        hidden_layers: L.
        activation: name or `dmft.Activation`.

    Raises:
        ValueError: hidden_layers below 1, an unknown activation.

    >>> initial([[1.0]], hidden_layers=2, activation="linear").ntk
    array([[3.]])

    Source: Jacot et al., NeurIPS 2018 (arXiv 1806.07572), theorem 1.
    """
    if hidden_layers < 1:
        raise ValueError(f"kernels.initial: hidden_layers must be at least 1; given {hidden_layers}")
    chosen = activation_of(activation)
    features = [np.asarray(kernel, dtype=float)]
    slopes = []
    for _ in range(hidden_layers):
        value, slope = pair_means(features[-1], chosen)
        features.append(value)
        slopes.append(slope)
    gradients = [np.ones_like(features[0])]
    for slope in reversed(slopes):
        gradients.insert(0, gradients[0] * slope)
    ntk = sum(phi * g for phi, g in zip(features, gradients, strict=True))
    return Kernels(np.stack(features), np.stack(slopes), np.stack(gradients), np.asarray(ntk))


def pair_means(covariance: np.ndarray, activation: Activation) -> tuple[np.ndarray, np.ndarray]:
    """Return <phi(u) phi(v)> and <phi'(u) phi'(v)> for all pairs of a Gaussian vector (P, P)."""
    closed = {"linear": _linear, "relu": _relu, "erf": _erf}.get(activation.name)
    return _quadrature(covariance, activation) if closed is None else closed(covariance)


def _linear(covariance: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    return covariance, np.ones_like(covariance)


def _relu(covariance: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    size = np.sqrt(np.outer(np.diag(covariance), np.diag(covariance)))
    cosine = np.clip(covariance / np.maximum(size, np.finfo(float).tiny), -1.0, 1.0)
    angle = np.arccos(cosine)
    value = size * (np.sqrt(1 - cosine**2) + (np.pi - angle) * cosine) / (2 * np.pi)
    return value, (np.pi - angle) / (2 * np.pi)


def _erf(covariance: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    size = 1 + 2 * np.diag(covariance)
    product = np.outer(size, size)
    value = 2 / np.pi * np.arcsin(2 * covariance / np.sqrt(product))
    return value, 4 / np.pi / np.sqrt(product - 4 * covariance**2)


def _quadrature(covariance: np.ndarray, activation: Activation) -> tuple[np.ndarray, np.ndarray]:
    nodes, weights = np.polynomial.hermite_e.hermegauss(NODES)
    weights = weights / weights.sum()
    deviation = np.sqrt(np.diag(covariance))
    cosine = covariance / np.maximum(np.outer(deviation, deviation), np.finfo(float).tiny)
    sine = np.sqrt(np.clip(1 - cosine**2, 0.0, None))
    first = deviation[:, None] * nodes  # u on the nodes (P, n)
    mixed = cosine[..., None, None] * nodes[:, None] + sine[..., None, None] * nodes
    second = deviation[:, None, None] * mixed  # v on pairs of nodes (P, P, n, n)
    value = _contract(activation.value(first, np), activation.value(second, np), weights)
    return value, _contract(activation.first(first, np), activation.first(second, np), weights)


def _contract(u: np.ndarray, v: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Return the weighted mean of u_i v_ij over both directions, (P, P), made symmetric to the last bit."""
    mean = np.einsum("in,ijnm,n,m->ij", u, v, weights, weights, optimize=True)
    return (mean + mean.T) / 2
