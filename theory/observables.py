"""Declare the names that trajectories carry: every observable and every dimension, once.

Predictions and measurements meet by name. A variable of a trajectory that is not declared here is refused,
so that comparing two trajectories is aligning them.
"""

from dataclasses import dataclass

DIMENSIONS: dict[str, str] = {
    "width": "number N of hidden units; inf stands for the infinite-width limit",
    "depth": "number of layers along the growing axis",
    "gamma": "feature-learning strength gamma_0",
    "lr": "base learning rate eta_0",
    "eta": "rate of unit-variance weights over the width, gamma^2 eta_0 under SGD and gamma eta_0 under Adam",
    "edge": "name of an edge of the gamma-eta plane",
    "seed": "seed of the initial weights",
    "step": "number of optimizer steps taken",
    "step_2": "second step argument of a two-time quantity",
    "time": "rescaled time eta_0 * step of the gradient flow",
    "sample": "index of a training sample",
    "sample_2": "second sample index of a kernel",
    "output": "index of a network output",
    "output_2": "second output index of a kernel",
    "eigenvalue": "rank of an eigenvalue, 0 the largest",
    "layer": "index of a weight layer, 0 the input",
    "batch": "batch size",
    "samples": "number of training samples P",
    "inputs": "dimension D of an input",
    "data_seed": "seed of the samples of a stream and of the order of batches",
    "task": "seed of what a generated target is made of",
    "model": "name of the model",
    "layers": "number of weight layers (blocks of a transformer)",
    "activation": "name of the activation",
    "optimizer": "name of the optimizer",
    "parametrization": "name of the parametrization",
    "base_width": "width at which every power of the width is 1",
    "momentum": "decay of heavy-ball momentum",
    "beta1": "decay of Adam's first moment",
    "beta2": "decay of Adam's second moment",
    "eps": "base epsilon of Adam",
    "weight_decay": "base weight decay of AdamW",
    "epoch": "number of passes over the training samples",
    "gain": "factor on the input of the activation",
    "origin": "measured on networks, predicted from theory, or a control that must miss",
}


@dataclass(frozen=True)
class Observable:
    """One measurable quantity: its symbol, its definition, and how it is rescaled.

    `rescaling` says what makes the value comparable across widths and gauges; "none" means the raw value is.
    """

    name: str
    symbol: str
    definition: str
    rescaling: str = "none"


_RATES = "weighted by Lambda = diag(rate of each parameter / base rate): the same in every gauge"

#: What the alignments of a coordinate check compare, and how.
_ALIGNED = {"effective": "(W_t - W_0) and x_t", "propagating": "W_0 and x_t - x_0"}
_ALIGNMENTS = {
    "operator": "mean of |W x| / (|W|_op |x|)",
    "frobenius": "mean of |W x| / (|W|_F |x|)",
    "log": "log of rms(W x) / (rms(W) rms(x)) to the base of the fan-in",
}

OBSERVABLES: dict[str, Observable] = {
    entry.name: entry
    for entry in (
        Observable(
            "loss",
            "L",
            "squared loss: sum over samples and outputs of (f - y)^2 / (2 P); cross-entropy: mean",
        ),
        Observable(
            "sharpness", "S", "largest eigenvalue of Lambda^1/2 H Lambda^1/2, H the loss Hessian", _RATES
        ),
        Observable(
            "raw_sharpness",
            "lambda_max(H)",
            "largest eigenvalue of the loss Hessian in the trained parameters",
        ),
        Observable(
            "gauss_newton",
            "lambda_max(G)",
            "largest eigenvalue of Lambda^1/2 G Lambda^1/2, G = J^T J / P",
            _RATES,
        ),
        Observable(
            "residual", "lambda_max(R)", "largest eigenvalue of Lambda^1/2 (H - G) Lambda^1/2", _RATES
        ),
        Observable(
            "ntk", "lambda_max(Theta)", "largest eigenvalue of J Lambda J^T, a PK x PK matrix", _RATES
        ),
        Observable("trace", "tr(G)", "trace of Lambda^1/2 G Lambda^1/2", _RATES),
        Observable("hessian_trace", "tr(H)", "trace of Lambda^1/2 H Lambda^1/2", _RATES),
        Observable(
            "directional_sharpness",
            "g^T H g / |g|^2",
            "curvature of the loss along its gradient, both weighted: g = Lambda^1/2 dL/dw",
            _RATES,
        ),
        Observable("outputs", "f", "network outputs on the training samples"),
        Observable(
            "alignment",
            "A",
            "cosine between two kernels as vectors of their entries; of a layer: h h^T of its outputs and "
            "y y^T of the targets, not centred, nan where one of them is 0",
        ),
        Observable(
            "feature_kernel",
            "Phi^l",
            "mean over the neurons of layer l of phi(h(t, x)) phi(h(s, x')); l = 0: the kernel of the inputs",
        ),
        Observable(
            "gradient_kernel",
            "G^(l+1)",
            "mean over the neurons behind weight layer l of g(t, x) g(s, x'), g = gamma N df/dh; of the "
            "readout the identity",
        ),
        Observable(
            "forward_response",
            "A^l",
            "mean of dphi(h^l(t, x))/dr^l(s, x'), r the backward field of the initial weights of layer l",
        ),
        Observable(
            "backward_response",
            "B^l",
            "mean of dg^(l+1)(t, x)/du^(l+1)(s, x'), u the forward field of the initial weights of layer l",
        ),
        Observable("tangent_kernel", "Theta", "J Lambda J^T at equal times, a PK x PK matrix", _RATES),
        Observable("batch_loss", "L_B", "loss of the batch that the next update trains on, before it"),
        Observable("logits", "|f|", "root mean square of the outputs over samples and outputs"),
        Observable("accuracy", "acc", "share of samples whose largest output is at the target's class"),
        Observable(
            "gradient_norm",
            "|g_l|",
            "norm of the loss gradient in a layer's weights, each entry times Lambda^1/2, Lambda the "
            "parametrization's rates under every optimizer",
            _RATES,
        ),
        Observable(
            "feature_change", "Dx", "root mean square change of a layer's activations since initialisation"
        ),
        Observable(
            "diverged_at",
            "t_div",
            "first step at which the run diverged (of a flow: index of the recorded time that it did not "
            "reach), -1 if it did not, -2 if the run is missing",
        ),
        Observable("peak_loss", "max L / L(0)", "largest loss of a run over its first"),
        Observable(
            "reached_at",
            "t_end",
            "first step at which the loss is below the share of its first value that was asked for, -1 if it "
            "never is, -2 if the run is missing",
        ),
        Observable(
            "regime",
            "regime",
            "what became of a run: 0 too slow, 1 converged monotonically, 2 catapulted, 3 edge of stability, "
            "4 diverged (sim.richness.Regime)",
        ),
        Observable(
            "settled_at",
            "t_eps",
            "number of steps after which the error stays at most epsilon, T + 1 if that is later than T",
        ),
        Observable(
            "edge_low",
            "eta_-",
            "lower end of the bracket of an edge (a rate or a gamma); 0 below the scan, nan if none is",
        ),
        Observable("edge_high", "eta_+", "upper end of the bracket of an edge; inf beyond what was scanned"),
        Observable("peak_loss", "max L", "largest loss on the way"),
        Observable("half_time", "t_1/2", "number of steps until f = 1/2, interpolated between steps"),
        Observable("drop_time", "t_drop", "number of steps in which f rises from 1/10 to 9/10, interpolated"),
        Observable(
            "isometry_gap",
            "phi",
            "log of arithmetic over geometric mean of the eigenvalues of a representation's smaller Gram "
            "matrix",
        ),
        Observable("rank", "r", "rank of a representation, to rounding"),
        Observable("spectral_variance", "S_2/d", "variance of the d eigenvalues of X X^T, scaled to mean 1"),
        Observable("log_row_norms", "mean log q", "mean log of squared row norms of W X, over their mean"),
        Observable("log_least_row", "log min q", "log of the least squared row norm of W X, over their mean"),
        Observable("log_size", "log |X|", "log root mean square of the entries of a representation"),
        Observable("log_gradient", "log |dL/dW|", "log Frobenius norm of the gradient in a layer's weights"),
        Observable(
            "log_input_gradient", "log |dL/dX|", "log Frobenius norm of the gradient in a representation"
        ),
        Observable("log_jacobian", "log |dX/dX_0|", "log of the largest singular value of the Jacobian"),
        Observable("lyapunov", "lambda", "Lyapunov exponent: mean log growth of a change, a layer"),
        Observable("weight_gap", "phi(W)", "isometry gap of a layer's weight matrix"),
        Observable("test_accuracy", "acc", "share of held-out samples whose largest output is their class's"),
        Observable(
            "running_accuracy",
            "acc",
            "test_accuracy of the same network with running averages for statistics",
        ),
        Observable(
            "effective", "(W_t - W_0) x_t", "size of a layer's own update: root mean square over features"
        ),
        Observable(
            "propagating", "W_0 (x_t - x_0)", "size of the update that a layer passes on: root mean square"
        ),
        Observable(
            "total",
            "W_t x_t - W_0 x_0",
            "size of the sum of effective and propagating update: root mean square",
        ),
        Observable("activation", "W_t x_t", "root mean square of a layer's outputs over features"),
        Observable("input", "x_t", "root mean square of a layer's inputs over features"),
        Observable("input_change", "x_t - x_0", "root mean square change of a layer's inputs over features"),
        Observable(
            "gradient",
            "dL/dy",
            "root mean square of the loss gradient in a layer's outputs, times the tokens",
        ),
        *(
            Observable(
                f"{part}_{norm}_alignment", f"{norm} alignment, {part}", f"of {pair}: {_ALIGNMENTS[norm]}"
            )
            for part, pair in _ALIGNED.items()
            for norm in _ALIGNMENTS
        ),
        Observable(
            "label_update",
            "(W_0 (x_t - x_0))_y",
            "propagating update of the logit of each sample's own class",
        ),
        Observable("initial_loss", "L_0", "loss at initialisation"),
        Observable("confidence", "max p", "mean over held-out samples of the largest predicted probability"),
    )
}


def observable(name: str) -> Observable:
    """Return the declared observable `name`; KeyError with the known names otherwise."""
    if name not in OBSERVABLES:
        raise KeyError(f"observable: name must be one of {', '.join(OBSERVABLES)}; given {name!r}")
    return OBSERVABLES[name]
