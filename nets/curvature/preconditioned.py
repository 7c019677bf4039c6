"""Fold the preconditioner and the rates of a live torch optimizer into a curvature."""

from collections.abc import Iterable
from typing import Any, final

import torch
from torch import Tensor, nn

from scalewright.nets.curvature.guard import original
from scalewright.nets.curvature.operator import Operator
from scalewright.nets.curvature.operators import Curvature
from scalewright.nets.ensemble import Ensemble
from scalewright.nets.parametrize import Parametrized


def preconditioner(
    optimizer: torch.optim.Optimizer,
    model: nn.Module | Ensemble,
    *,
    base_lr: float | None = None,
    names: Iterable[str] | None = None,
) -> dict[str, Tensor]:
    r"""Return the diagonal $\Lambda = P^{-1}$ of an optimizer: parameter name -> tensor of its shape.

    With $\eta_i$ the rate of the parameter's group and $\eta_0$ the base rate,
    SGD: $\Lambda = \eta_i/\eta_0$; Adam, AdamW: $\Lambda = (\eta_i/\eta_0) / (\sqrt{\hat v} + \epsilon)$,
    $\hat v$ bias-corrected (the running maximum with amsgrad). A parameter that Adam has not updated yet has
    no v, and is refused.

    Args:
        optimizer: torch.optim.SGD, Adam or AdamW, after at least one step for Adam.
        model: the module whose parameters it updates.
        base_lr: eta_0; the rate of the first group by default.
        names: of the parameters wanted; all trained ones if None.

    Raises:
        TypeError: another optimizer, or an ensemble. ValueError: a trained parameter without state.
    """
    if isinstance(model, Ensemble):
        raise TypeError("optimizer: an ensemble has its own, see nets.train; give its metric() instead")
    kinds = (torch.optim.SGD, torch.optim.Adam, torch.optim.AdamW)
    if not isinstance(optimizer, kinds):
        raise TypeError(f"optimizer must be torch's SGD, Adam or AdamW; given {type(optimizer).__name__}")
    base = float(optimizer.param_groups[0]["lr"]) if base_lr is None else base_lr
    groups = {id(weight): group for group in optimizer.param_groups for weight in group["params"]}
    inner = original(model)
    inner = inner.model if isinstance(inner, Parametrized) else inner
    wanted = None if names is None else set(names)
    found = {}
    for name, weight in inner.named_parameters():
        if not weight.requires_grad or (wanted is not None and name not in wanted):
            continue
        if id(weight) not in groups:
            raise ValueError(f"optimizer must update every trained parameter; given one without {name!r}")
        group = groups[id(weight)]
        found[name] = float(group["lr"]) / base / _denominator(optimizer, weight, group, name)
    return found


def _denominator(
    optimizer: torch.optim.Optimizer, weight: nn.Parameter, group: dict[str, Any], name: str
) -> Tensor:
    if isinstance(optimizer, torch.optim.SGD):
        return torch.ones_like(weight).detach()
    state = optimizer.state.get(weight, {})
    if "exp_avg_sq" not in state:
        raise ValueError(f"optimizer has no second moment of {name!r} yet: take a step first")
    second = state["max_exp_avg_sq"] if group.get("amsgrad") else state["exp_avg_sq"]
    correction = 1 - group["betas"][1] ** float(state["step"])
    wide = second.detach().to(torch.promote_types(second.dtype, torch.float32))
    return (wide / correction).sqrt() + group["eps"]


@final
class Preconditioned(Operator):
    r"""$P^{-1/2} A P^{-1/2}$, with $P^{-1}$ the diagonal of a live optimizer, rates folded in.

    The edge of stability of Adam is at $(2+2\beta_1)/((1-\beta_1)\eta_0)$ of the preconditioned Hessian.

    Args:
        operator: `Hessian`, `GaussNewton` or `Residual` of a module, made with `raw=True`.
        optimizer: torch.optim.SGD, Adam or AdamW.
        base_lr: eta_0; the rate of the optimizer's first group by default.

    Raises:
        TypeError: another operator or optimizer. ValueError: see `preconditioner`.

    Cost: that of the operator.
    Reference: Cohen et al., arXiv:2207.14484, section 2.
    """

    def __init__(
        self, operator: Curvature, optimizer: torch.optim.Optimizer, *, base_lr: float | None = None
    ) -> None:
        if not isinstance(operator, Curvature) or operator.size != operator.parameters:
            raise TypeError(
                f"Preconditioned: operator must act on parameters; given {type(operator).__name__}"
            )
        if operator.rescaled:
            raise ValueError("Preconditioned: operator must be made with raw=True, or Lambda counts twice")
        self.operator = operator
        self.members, self.size = operator.members, operator.size
        self.dtype, self.device = operator.dtype, operator.device
        leaves = operator.problem.leaves
        metric = preconditioner(optimizer, operator.model, base_lr=base_lr, names=leaves)
        parts = [
            metric[name].flatten().to(operator.device, operator.dtype) for name in operator.problem.leaves
        ]
        self.root = torch.cat(parts).sqrt()[None]

    def product(self, vectors: Tensor) -> Tensor:
        """Return P^-1/2 A P^-1/2 v."""
        return self.operator.product(vectors * self.root) * self.root
