"""The picture of a sweep: which axes it takes, what it shows of runs that diverged, what it refuses."""

import re

import matplotlib
import numpy as np
import pytest

from scalewright.sim.dataset import dataset
from scalewright.sim.store.figure import plot_end

matplotlib.use("Agg")


@pytest.fixture
def sweep():
    """Return losses over width, lr and seed; at the largest rate one seed diverged, at width 16 both."""
    loss = np.arange(1.0, 25.0).reshape(2, 3, 2, 2)
    loss[:, 2, 0] = np.nan
    loss[0, 2] = np.nan
    axes = {"width": [16, 32], "lr": [0.1, 1.0, 10.0], "seed": [0, 1]}
    variables = {
        "loss": ((*axes, "step"), loss),
        "outputs": ((*axes, "step", "sample"), np.ones((2, 3, 2, 2, 4))),
        "diverged_at": (tuple(axes), np.zeros((2, 3, 2))),
    }
    return dataset(variables, {**axes, "step": [0, 9]})


def test_identity_lines_are_medians_of_the_last_step(sweep):
    """Identity: a line a width; medians over the seeds that are there; crosses where one or both are not."""
    ax = plot_end(sweep)
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("learning rate", "loss at step 9")
    lines = [line for line in ax.lines if len(line.get_xdata()) and line.get_linestyle() == "-"]
    np.testing.assert_allclose(lines[0].get_ydata(), [3, 7])
    np.testing.assert_allclose(lines[1].get_ydata(), [15, 19, 24])
    crosses = [
        list(line.get_xdata()) for line in ax.lines if line.get_marker() == "x" and len(line.get_xdata())
    ]
    assert crosses == [[10.0], [10.0]]
    labels = [text.get_text() for text in ax.get_legend().get_texts()]
    assert labels == ["width 16", "width 32", "runs diverged"]


def test_property_axes_can_be_chosen(sweep):
    """Property: another x, another hue, axes of one's own."""
    mine = matplotlib.figure.Figure().subplots()
    assert plot_end(sweep, mine, x="width", hue="lr") is mine
    assert mine.get_xlabel() == "width"
    assert len(mine.get_legend().get_texts()) == 4


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"x": "gamma"}, "plot_end: axes must be of width, lr, seed; given 'gamma'"),
        ({"variable": "outputs"}, "plot_end: variable must be a number for each run; given 'outputs'"),
        ({"variable": "ntk"}, "plot_end: variable must be a number for each run; given 'ntk'"),
    ],
)
def test_bad_input(sweep, arguments, sentence):
    """Property: the whole sentence."""
    with pytest.raises(ValueError, match=f"^{re.escape(sentence)}$"):
        plot_end(sweep, **arguments)
