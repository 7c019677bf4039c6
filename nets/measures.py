"""What can be measured of an ensemble beside eigenvalues: of its outputs, layers and gradients."""

from collections.abc import Callable, Mapping

import torch
from torch import Tensor

from scalewright.nets.objective import Objective
from scalewright.nets.observe import activations, feature_change, weight_layers
from scalewright.nets.sharpness import OPERATORS
from scalewright.nets.stacked import like


def _feature_change(objective: Objective) -> Tensor:
    data = objective.data
    return feature_change(objective.ensemble, data.inputs, shared=data.shared)


def _outputs(objective: Objective) -> Tensor:
    with torch.no_grad():
        return objective.outputs(objective.ensemble.parameters)


def _by_sample(objective: Objective) -> Tensor:
    """Return the outputs (M, P, K); every position of a text is a sample."""
    return _outputs(objective).flatten(1, -2)


def _logits(objective: Objective) -> Tensor:
    return _outputs(objective).flatten(1).square().mean(1).sqrt()


def _accuracy(objective: Objective) -> Tensor:
    """Return the share of samples whose largest output is at the class, the largest of real targets."""
    targets = objective.data.targets
    classes = targets.argmax(-1) if targets.is_floating_point() else targets
    right = _outputs(objective).argmax(-1) == classes
    return right.flatten(1).to(objective.ensemble.dtype).mean(1)


def _alignment(objective: Objective) -> Tensor:
    r"""Return $\langle h h^T, y y^T \rangle_F / (|h h^T|_F |y y^T|_F)$ of every weight layer (M, layers)."""
    data = objective.data
    layers = weight_layers(objective.ensemble.model)
    found = activations(objective.ensemble, data.inputs, layers, shared=data.shared)
    wanted = _kernel(_real_targets(objective))
    cosines = []
    for name in layers:
        kernel = _kernel(found[name].outputs[-1].flatten(2))
        norms = kernel.flatten(1).norm(dim=1) * wanted.flatten(1).norm(dim=1)
        cosines.append((kernel * wanted).flatten(1).sum(1) / norms)
    return torch.stack(cosines, dim=1)


def _kernel(features: Tensor) -> Tensor:
    return features @ features.mT


def _real_targets(objective: Objective) -> Tensor:
    """Return the targets with a leading axis of members, or of length 1 where they are shared (., P, K)."""
    data = objective.data
    targets = data.targets if not data.shared else data.targets[None]
    if not targets.is_floating_point():
        targets = torch.nn.functional.one_hot(targets.long()).to(objective.ensemble.dtype)
    return targets.flatten(2)


def _gradient_norm(objective: Objective) -> Tensor:
    """Return the norm of Lambda^1/2 times the gradient for every weight layer (M, layers)."""
    ensemble = objective.ensemble
    _, gradients = objective.gradient()
    squares = {
        name: (like(ensemble.rates[name], gradient) * gradient.square()).flatten(1).sum(1)
        for name, gradient in gradients.items()
    }
    norms = [
        sum(
            (value for key, value in squares.items() if key.rpartition(".")[0] == name), torch.zeros(())
        ).sqrt()
        for name in weight_layers(ensemble.model)
    ]
    return torch.stack([norm.expand(ensemble.members) for norm in norms], dim=1)


#: Observables beside the eigenvalues: name -> (how it is measured, its dimensions after the member's).
MEASURES: Mapping[str, tuple[Callable[[Objective], Tensor], tuple[str, ...]]] = {
    "logits": (_logits, ()),
    "accuracy": (_accuracy, ()),
    "outputs": (_by_sample, ("sample", "output")),
    "feature_change": (_feature_change, ("layer",)),
    "alignment": (_alignment, ("layer",)),
    "gradient_norm": (_gradient_norm, ("layer",)),
}
QUANTITIES = (*OPERATORS, *MEASURES)
