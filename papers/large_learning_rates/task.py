"""The classification tasks: images of clothes where they are installed, or a generated one."""

import numpy as np

from scalewright.sim import data

#: Of the generated task: inputs, hidden units of the teacher, classes.
INPUTS, HIDDEN, CLASSES = 16, 8, 4
#: Seed of the teacher and of the samples.
SEED = 0


def available() -> str:
    """Return "fashion-mnist" where its files are installed, else "generated"."""
    try:
        data.load("fashion-mnist", samples=1)
    except ValueError:
        return "generated"
    return "fashion-mnist"


def load(name: str, samples: int) -> tuple[data.Data, data.Data]:
    """Return samples to train on and as many held-out ones, inputs of root mean square 1, targets one-hot.

    "generated": 16 Gaussian inputs; the class is the largest of 4 outputs of a two-layer ReLU teacher with 8
    hidden units, each output shifted and scaled to mean 0 and variance 1. Images are divided by the root mean
    square of all pixels.
    """
    seen, held = (
        _generated(samples, part) if name == "generated" else _images(name, samples, part) for part in (0, 1)
    )
    size = float(np.sqrt(np.square(seen.inputs).mean()))
    first, second = (data.Data(d.name, d.inputs / size, d.targets, d.labels) for d in (seen, held))
    return first, second


def _generated(samples: int, part: int) -> data.Data:
    teacher = np.random.default_rng(np.random.SeedSequence([SEED]))
    first = teacher.standard_normal((HIDDEN, INPUTS)) / np.sqrt(INPUTS)
    second = teacher.standard_normal((CLASSES, HIDDEN))
    reference = teacher.standard_normal((4096, INPUTS))
    mean, spread = (lambda y: (y.mean(0), y.std(0)))(np.maximum(reference @ first.T, 0) @ second.T)
    inputs = np.random.default_rng(np.random.SeedSequence([SEED, 1 + part])).standard_normal(
        (samples, INPUTS)
    )
    outputs = (np.maximum(inputs @ first.T, 0) @ second.T - mean) / spread
    labels = outputs.argmax(1)
    return data.Data("generated", inputs, np.eye(CLASSES)[labels], labels)


def _images(name: str, samples: int, part: int) -> data.Data:
    if name == "digits":
        everything = data.load(name, targets="one-hot")
        order = np.random.default_rng(SEED).permutation(everything.samples)
        index = order[part * samples : (part + 1) * samples]
        return data.Data(name, everything.inputs[index], everything.targets[index], everything.labels[index])
    return data.load(f"{name}-test" if part else name, samples=samples, targets="one-hot")
