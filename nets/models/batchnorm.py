"""Perceptrons with batch normalization in every layer, as deep as one likes."""

import math
from collections.abc import Sequence
from typing import Literal, TypeAlias, get_args

import numpy as np
import torch
from torch import Tensor, nn

Weights: TypeAlias = Literal["orthogonal", "gaussian"]
Evaluation: TypeAlias = Literal["batch", "running"]
Activation: TypeAlias = Literal["linear", "tanh", "sin", "relu"]

#: Share of the newest batch in the running averages, that of torch's BatchNorm.
MOMENTUM = 0.1


class BatchNormLayer(nn.Module):
    r"""$x \mapsto \sigma(\alpha\,\mathrm{BN}(W x))$ on a batch x (P, inputs): one layer of a `BatchNormMLP`.

    BN divides every feature by $\sqrt{\frac1P \sum_p z_p^2 + \epsilon}$ over the batch, after subtracting its
    mean if `centred`. No affine parameters, no bias.

    Attributes:
        weight: W (outputs, inputs).
        mean, square: running averages of a feature's mean and mean square (variance if `centred`) over
            batches; only with `evaluation="running"`.
    """

    mean: Tensor
    square: Tensor

    def __init__(
        self,
        weight: Tensor,
        *,
        activation: Activation,
        gain: float,
        centred: bool,
        evaluation: Evaluation,
        eps: float,
    ) -> None:
        super().__init__()
        self.weight = nn.Parameter(weight)
        self.activation, self.gain, self.centred = activation, gain, centred
        self.evaluation, self.eps = evaluation, eps
        if evaluation == "running":
            self.register_buffer("mean", weight.new_zeros(len(weight)))
            self.register_buffer("square", weight.new_ones(len(weight)))

    def forward(self, inputs: Tensor) -> Tensor:
        """Map a batch (P, inputs) to (P, outputs)."""
        features = inputs @ self.weight.T
        running = self.evaluation == "running"
        if running and not self.training:
            mean, square = self.mean, self.square
            features = features - mean if self.centred else features
        else:
            if self.centred:
                mean = features.mean(0)
                features = features - mean
            square = features.square().mean(0)
            if running:
                self._average(mean if self.centred else None, square)
        # Spared where they change nothing: a thousand layers make them felt.
        scale = (square + self.eps if self.eps else square).rsqrt()
        return self._activate(features * (scale if self.gain == 1.0 else self.gain * scale))

    @torch.no_grad()
    def _average(self, mean: Tensor | None, square: Tensor) -> None:
        self.square.lerp_(square, MOMENTUM)
        if mean is not None:
            self.mean.lerp_(mean, MOMENTUM)

    def _activate(self, features: Tensor) -> Tensor:
        match self.activation:
            case "tanh":
                return torch.tanh(features)
            case "sin":
                return torch.sin(features)
            case "relu":
                return torch.relu(features)
        return features


class BatchNormMLP(nn.Module):
    r"""$f = V X_L,\quad X_l = \sigma(\alpha_l\,\mathrm{BN}(W_l X_{l-1}))$, the batch being the columns of X.

    Parameters: `layers.{l}.weight`, (width, inputs) for the first and (width, width) for the others, and
    `readout.weight` (outputs, width). The outputs of a sample depend on its batch, except in evaluation mode
    with `evaluation="running"`.
    """

    def __init__(self, layers: Sequence[BatchNormLayer], readout: Tensor) -> None:
        super().__init__()
        self.layers = nn.ModuleList(layers)
        # Not drawn by torch, which would move its global generator.
        self.readout = nn.utils.skip_init(nn.Linear, readout.shape[1], readout.shape[0], bias=False)
        self.readout.weight = nn.Parameter(readout)

    def forward(self, inputs: Tensor) -> Tensor:
        """Map a batch (P, inputs) to outputs (P, outputs)."""
        features = inputs
        for layer in self.layers:
            features = layer(features)
        return self.readout(features)

    def evaluate_by(self, evaluation: Evaluation) -> None:
        """Choose the statistics of evaluation mode anew.

        Raises:
            ValueError: "running" for a network that was built without running averages.
        """
        for layer in self.layers:
            assert isinstance(layer, BatchNormLayer)
            if evaluation == "running" and not list(layer.buffers()):
                raise ValueError(
                    "BatchNormMLP.evaluate_by: evaluation='running' needs running averages; build the "
                    "network with evaluation='running'"
                )
            layer.evaluation = evaluation

    @property
    def depth(self) -> int:
        """Number of normalised layers; the readout is not one."""
        return len(self.layers)


def batchnorm_mlp(
    depth: int,
    width: int,
    inputs: int,
    outputs: int,
    *,
    activation: Activation = "linear",
    weights: Weights = "orthogonal",
    gain: float | Sequence[float] = 1.0,
    centred: bool = False,
    evaluation: Evaluation = "batch",
    eps: float = 0.0,
    seed: int = 0,
    dtype: torch.dtype = torch.float32,
) -> BatchNormMLP:
    r"""Return a network of `depth` batch-normalised layers and a linear readout, with drawn weights.

    Orthogonal weights are Haar matrices (rows or columns of one where the input layer is not square),
    Gaussian
    ones have variance 1/width, or 1/inputs in the first layer; the readout has variance 1/width.

    Args:
        depth: number of normalised layers.
        width, inputs, outputs: sizes.
        activation: "linear", "tanh", "sin" or "relu", after the normalization.
        weights: "orthogonal" or "gaussian".
        gain: alpha, one number, or one a layer: shaping an activation by gains that fall with depth.
        centred: subtract each feature's mean over the batch (standard batch normalization) or don't.
        evaluation: what is divided by in evaluation mode. "batch": the statistics of the batch at hand, as in
            training, so that a sample's outputs depend on its batch. "running": averages over training
            batches,
            as torch's BatchNorm; they are kept in buffers that every call in training mode moves.
        eps: added to the mean square.
        seed: of the weights; no global generator is touched.
        dtype: of the weights.

    Raises:
        TypeError: a seed that is no integer.
        ValueError: a size below 1, an unknown word, gains of another number than depth or that are not
            positive and finite, or an eps that is negative.

    Example:
        >>> model = batchnorm_mlp(100, 16, 16, 10)
        >>> model(torch.eye(16)).shape
        torch.Size([16, 10])
    """
    sizes = {"depth": depth, "width": width, "inputs": inputs, "outputs": outputs}
    _check(sizes, {"activation": activation, "weights": weights, "evaluation": evaluation}, eps)
    options = {"activation": activation, "centred": centred, "evaluation": evaluation, "eps": eps}
    layers = [
        BatchNormLayer(
            _weight(weights, (width, width if index else inputs), f"layers.{index}.weight", seed, dtype),
            gain=alpha,
            **options,  # type: ignore[arg-type]
        )
        for index, alpha in enumerate(_gains(gain, depth))
    ]
    return BatchNormMLP(layers, _weight("gaussian", (outputs, width), "readout.weight", seed, dtype))


def _weight(kind: Weights, shape: tuple[int, int], name: str, seed: int, dtype: torch.dtype) -> Tensor:
    """Return W (rows, columns), the same numbers on every device."""
    # Not at the top: `initial` asks `models` what a gain is, and `models` lists this module's builder.
    from scalewright.nets.initial import standard_normal

    drawn = standard_normal(shape, seed=seed, name=name, width=shape[1])
    if kind == "gaussian":
        return torch.from_numpy(drawn / math.sqrt(shape[1])).to(dtype)
    tall = drawn if shape[0] >= shape[1] else drawn.T
    q, r = np.linalg.qr(tall)
    q = q * np.sign(np.diagonal(r))
    return torch.from_numpy(np.ascontiguousarray(q if tall is drawn else q.T)).to(dtype)


def _gains(gain: float | Sequence[float], depth: int) -> list[float]:
    gains = np.asarray(gain, dtype=float)
    if gains.ndim > 1 or (gains.ndim == 1 and len(gains) != depth):
        raise ValueError(f"batchnorm_mlp: gain must be a number, or one a layer ({depth}); given {gain!r}")
    if not (np.isfinite(gains) & (gains > 0)).all():
        raise ValueError(f"batchnorm_mlp: gain must be positive and finite; given {gain!r}")
    return [float(value) for value in np.broadcast_to(gains, (depth,))]


def _check(sizes: dict[str, int], words: dict[str, str], eps: float) -> None:
    for name, size in sizes.items():
        if isinstance(size, bool) or not isinstance(size, int | np.integer) or size < 1:
            raise ValueError(f"batchnorm_mlp: {name} must be an integer of at least 1; given {size!r}")
    known = {"activation": Activation, "weights": Weights, "evaluation": Evaluation}
    for name, word in words.items():
        accepted = get_args(known[name])
        if word not in accepted:
            raise ValueError(f"batchnorm_mlp: {name} must be one of {', '.join(accepted)}; given {word!r}")
    if not 0 <= eps < math.inf:
        raise ValueError(f"batchnorm_mlp: eps must be non-negative and finite; given {eps!r}")
