"""The pictures show every row, with the prediction where there is one."""

from types import SimpleNamespace

import numpy as np
import pytest
import xarray as xr
from matplotlib.figure import Figure

from scalewright.nets.coordinates.plot import plot_coordinates, plot_slopes
from scalewright.nets.coordinates.result import CoordinateCheck


@pytest.fixture
def found():
    dims, widths = ("width", "seed", "step", "layer"), [64, 128, 256]
    noise = np.exp(0.01 * np.random.default_rng(0).standard_normal((3, 4, 1, 2)))
    values = np.array(widths)[:, None, None, None] ** np.array([-1.0, 0.5]) * noise
    variables = dict.fromkeys(("effective", "propagating", "total"), (dims, values))
    coords = {"width": widths, "seed": range(4), "step": [1], "layer": ["input.weight", "readout.weight"]}
    powers = {"input.weight": SimpleNamespace(effective=-1.0, propagating=None, total=-1.0)}
    return CoordinateCheck(xr.Dataset(variables, coords), {}, (), powers)


def test_sizes_have_a_line_a_layer_and_a_dashed_one_for_each_prediction(found):
    ax = plot_coordinates(found)
    assert [text.get_text().split(":")[0] for text in ax.get_legend().texts] == [
        "input.weight",
        "readout.weight",
    ]
    assert sum(line.get_linestyle() == "--" for line in ax.lines) == 1
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("width", "effective update, root mean square")


def test_slopes_are_drawn_by_layer_on_the_axes_that_are_given(found):
    ax = Figure().subplots()
    assert plot_slopes(found, ax=ax) is ax
    assert [tick.get_text() for tick in ax.get_xticklabels()] == ["input.weight", "readout.weight"]
    names = [text.get_text() for text in ax.get_legend().texts]
    assert names == ["predicted", "effective update", "propagating update", "total update"]
