"""The thirty cases, in four groups."""

from collections.abc import Callable, Iterable
from dataclasses import replace

import torch

from measured.exceptions import ADAPTERS, FIXED, NECK
from measured.networks import Transformer, autoencoding, convolutional, perceptron, residual
from measured.training import Case
from scalewright import theory

WIDE, MIDDLE, SQUARES = (256, 512, 1024, 2048, 4096), (128, 256, 512, 1024), (256, 1024, 4096)
DEEP = (8, 16, 32, 64, 128, 256)


def standard() -> Iterable[Case]:
    """Multilayer perceptrons that start with unit gain in every layer, the readout too."""
    named, tanh = theory.named, theory.mlp(3, "tanh")
    net = perceptron(3, torch.tanh)
    sgd, adam = named(tanh, "sp", "sgd"), named(tanh, "sp", "adam")
    yield Case("mlp, SP n^-1/2, SGD", sgd, net, 0.02, rates={"width": "-1/2"}, seeds=8)
    yield Case("mlp, SP n^-1, SGD", sgd, net, 0.5, seeds=8)
    yield Case("mlp, SP n^-1, Adam", adam, net, 0.02, rates={"width": "-1"})
    yield Case("mlp, SP n^-3/2, Adam", adam, net, 0.5)
    yield Case("mlp, NTP, SGD", named(tanh, "ntp", "sgd"), net, 0.2, seeds=8)
    yield Case("mlp, SP full align, Adam", named(tanh, "sp-full-align", "adam"), net, 0.02)
    two = named(theory.mlp(2), "sp", "sgd")
    start = Case("mlp of 2, SP n^0, SGD, step 1", two, perceptron(2), 1e-3, rates={"width": "0"})
    yield replace(start, seeds=8, steps=1, step=1)
    squared = named(theory.mlp(3, loss="squared"), "sp", "sgd")
    blown = Case("mlp, SP n^-1/2, SGD, squared, step 1", squared, perceptron(3), 2.0, loss="squared")
    yield replace(blown, rates={"width": "-1/2"}, sizes=WIDE[:-1], seeds=8, steps=1, step=1)


def maximal() -> Iterable[Case]:
    """Multilayer perceptrons in the maximal update parametrization, by optimizer."""
    named, mlp, net = theory.named, theory.mlp, perceptron(3)
    squared = named(mlp(4, loss="squared"), "mup", "sgd")
    yield Case("mlp of 4, muP, SGD, squared", squared, perceptron(4), 0.1, loss="squared", sizes=WIDE[:-1])
    yield Case("mlp of 2, mean field, SGD", named(mlp(2), "mean-field", "sgd"), perceptron(2), 0.1, seeds=8)
    biased = named(mlp(3, bias=True), "mup", "adam")
    yield Case("mlp with biases, muP, Adam", biased, perceptron(3, bias=True), 0.02)
    for name in ("sign", "muon", "adafactor"):
        yield Case(f"mlp, muP, {name}", named(mlp(3), "mup", name), net, 0.02, sizes=WIDE[:-1])
    adam = named(mlp(3), "mup", "adam").in_gauge("no-multipliers")
    kept = {name: replace(scaling, eps=theory.Power.one()) for name, scaling in adam.entries.items()}
    for name, given in (("large", adam), ("large, unscaled", replace(adam, entries=kept))):
        yield Case(f"mlp, muP, Adam, epsilon {name}", given, net, 0.05, sizes=WIDE[:-1], epsilon=1.0)


def other_networks() -> Iterable[Case]:
    """Convolutions, bottlenecks, attention, tied weights and adapters."""
    named, gpt = theory.named, theory.gpt
    plain = named(theory.convnet(3), "mup", "momentum")
    yield Case("convnet, muP, momentum", plain, convolutional(None), 0.01, sizes=MIDDLE)
    normed = named(theory.convnet(3, norm="batch"), "mup", "adam")
    yield Case("convnet with batch norm, muP, Adam", normed, convolutional("batch"), 0.01, sizes=MIDDLE)
    neck = named(theory.autoencoder("1/2"), "mup", "adam")
    later = Case(NECK, neck, autoencoding(), 0.5, sizes=SQUARES, loss="squared")
    yield from (later, replace(later, name=f"{NECK}, step 1", lr=0.02, steps=1, step=1))
    fixed = named(gpt(heads="fixed", activation="silu"), "mup", "adam")
    yield Case(FIXED, fixed, Transformer(heads="fixed").network, 0.05, sizes=(256, 512, 1024, 2048))
    grow = named(gpt(activation="silu"), "mup", "muon+adam")
    yield Case("gpt, heads grow, Muon and Adam", grow, Transformer().network, 0.02, sizes=MIDDLE)
    tied = named(gpt(tied=True, norm="rms", gated=True, activation="silu"), "mup", "adam")
    net = Transformer(norm="rms", tied=True, gated=True).network
    yield Case("gpt, tied, gated, rms norm, Adam", tied, net, 0.02, sizes=MIDDLE)
    adapted = named(theory.lora(activation="silu"), "mup", "adam")
    net = Transformer(adapters=True, blocks=2).network
    later = Case(ADAPTERS, adapted, net, 0.3, sizes=(64, 256, 1024), steps=8)
    yield from (later, replace(later, name=f"{ADAPTERS}, step 1", lr=0.02, steps=1, step=1))


def deep_networks() -> Iterable[Case]:
    """Residual networks of one width on the axis depth."""
    for layers, name, optimizer in (
        (1, "depth-mup", "sgd"),
        (1, "completep", "adam"),
        (2, "depth-mup", "adam"),
        (2, "completep", "sgd"),
        (2, "completep", "adam"),
    ):
        found = theory.named(theory.resnet(layers), name, optimizer)
        case = f"resnet, {layers} a branch, {name}, {optimizer}"
        yield Case(case, found, residual(layers), 0.05, "depth", DEEP, {"width": 64}, seeds=6)


GROUPS: dict[str, Callable[[], Iterable[Case]]] = {
    "standard": standard,
    "maximal": maximal,
    "other networks": other_networks,
    "deep networks": deep_networks,
}
