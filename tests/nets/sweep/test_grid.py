"""Grids: every combination once, keys checked, sentences that name the offender."""

import re

import numpy as np
import pytest

from scalewright.nets import sweep
from scalewright.nets.sweep.specification import ENTRIES, Run, from_dict


def test_identity_every_combination_once_the_last_axis_fastest():
    """Identity: the runs are the product of the axes, in the order in which the axes were given."""
    grid = sweep.grid(width=[8, 16], lr=np.geomspace(0.1, 10, 3), seed=range(2), steps=5)
    assert (grid.shape, grid.size) == ((2, 3, 2), 12)
    found = [(run.width, round(run.lr, 9), run.seed) for run in grid.runs]
    assert found == [(w, lr, s) for w in (8, 16) for lr in (0.1, 1.0, 10.0) for s in (0, 1)]
    assert {run.steps for run in grid} == {5}


def test_identity_a_run_is_its_plain_data():
    """Identity: to_dict and from_dict are inverse, and equal values of other kinds give the same key."""
    run = sweep.grid(lr=np.float32(0.5), width=np.int64(16), gamma=1, quantities=("ntk",)).runs[0]
    assert from_dict(run.to_dict()) == run
    same = sweep.grid(lr=0.5, width=16.0, gamma=1.0, quantities=["ntk"]).runs[0]
    assert same.key("code") == run.key("code")


def test_identity_a_grids_keys_are_those_of_its_runs():
    """Identity: written value by value, or run by run; a key given with its default is not given."""
    axes = {"lr": np.geomspace(1e-3, 10, 5), "batch": [2, 4], "optimizer": ["sgd", "adam"]}
    grid = sweep.grid(seed=[2**40, 1], quantities=["ntk"], centred=True, **axes)
    assert grid.keys("code") == tuple(run.key("code") for run in grid.runs)
    assert sweep.grid(width=8).keys("code") == (Run(width=8).key("code"),)
    assert sweep.grid(width=8, momentum=0.9) == sweep.grid(width=8)


@pytest.mark.parametrize("name", [name for name in ENTRIES if name != "quantities"])
def test_property_every_key_counts(name):
    """Property: another value of any key, and another version of the code, is another key of the store."""
    base = Run()
    default = getattr(base, name)
    other = (
        (not default) if isinstance(default, bool) else default + 1 if not isinstance(default, str) else "x"
    )
    changed = Run(**{name: other})
    assert changed.key("a") != base.key("a") != base.key("b")


@pytest.mark.parametrize(
    ("keys", "points"),
    [
        ({"steps": 10, "points": 3}, [0, 5, 10]),
        ({"steps": 2, "points": 11}, [0, 1, 2]),
        ({"steps": 0}, [0]),
        ({"steps": 100, "points": 4, "schedule": "logarithmic"}, [0, 1, 10, 100]),
        ({"optimizer": "flow", "horizon": 4.0, "points": 3}, [0.0, 2.0, 4.0]),
        ({"optimizer": "flow", "horizon": 4.0, "points": 2, "schedule": "logarithmic"}, [0.0, 4.0]),
        ({"steps": 100, "points": 2, "schedule": "logarithmic"}, [0, 100]),
    ],
)
def test_identity_schedules(keys, points):
    """Identity: the recorded points, from the first to the last of the run."""
    np.testing.assert_allclose(Run(**keys).schedule_points(), points)


def test_property_small_gammas_and_the_flow_are_computed_in_double_precision():
    """Property: below gamma = 1e-2 centring cancels too many digits of a float32."""
    assert [Run(gamma=g).precision for g in (1.0, 1e-2, 9e-3)] == ["float32", "float32", "float64"]
    assert Run(optimizer="flow").precision == "float64"
    assert Run(gamma=1e-3, dtype="float32").precision == "float32"


@pytest.mark.parametrize(
    ("keys", "sentence"),
    [
        ({"widht": 8}, "given 'widht' (did you mean 'width'?)"),
        ({"lr": [0.1, "fast"]}, "grid: lr must be a finite number, or a list of them; given 'fast'"),
        ({"lr": float("nan")}, "grid: lr must be a finite number, or a list of them; given nan"),
        ({"lr": -1}, "grid: lr must be positive; given -1"),
        ({"width": 8.5}, "grid: width must be an integer, or a list of them; given 8.5"),
        ({"seed": True}, "grid: seed must be an integer, or a list of them; given True"),
        ({"lr": []}, "grid: axis lr must have at least one value; given none"),
        ({"lr": [0.1, 0.1]}, "grid: axis lr must have each value once; given 0.1 more often"),
        ({"steps": [1, 2]}, "grid: steps can't be an axis"),
        (
            {"optimizer": "sdg"},
            "grid: optimizer must be one of 'sgd', 'momentum', 'sign', 'adam', 'adamw', 'flow'",
        ),
        ({"optimizer": ["sgd", "flow"]}, "grid: optimizer 'flow' counts in time and the others in steps"),
        ({"parametrization": "nope"}, "grid: parametrization must be one of sp, ntp, mean-field"),
        ({"quantities": ["sharpnes"]}, "grid: quantities must be of sharpness, raw_sharpness"),
        ({"samples": 2000}, "grid: data 'digits' has 64 inputs and up to 1797 samples; given 64 and 2000"),
        ({"online": True}, "grid: data must be a stream (teacher, multi-index) to be online; given 'digits'"),
        ({"batch": 512}, "grid: batch must be at most the 256 samples; given 512"),
        (
            {"data": "teacher", "loss": "cross-entropy"},
            "grid: loss of 'teacher', whose targets are real numbers",
        ),
        ({"model": "gpt"}, "grid: data of model 'gpt' must be 'text'; given 'digits'"),
        ({"layers": 1}, "grid: layers of model 'mlp' must be at least 2; given 1"),
        ({"batch": ["whole", 4]}, "grid: axis batch must be all numbers; given 'whole' among them"),
        ({"name": "../x"}, "sweep: name must be up to 100 letters, digits"),
        ({"name": "x" * 101}, "sweep: name must be up to 100 letters, digits"),
        ({"points": 1}, "grid: points must be at least 2; given 1"),
        ({"optimizer": "flow", "lr": [0.1, 1.0]}, "grid: lr does not count in the gradient flow"),
        (
            {"data": "teacher", "quantities": ["accuracy"]},
            "grid: quantities of 'teacher', whose targets",
        ),
        (
            {"model": "convnet", "data": "teacher", "inputs": 10},
            "grid: data of model 'convnet' must be",
        ),
        (
            {"quantities": ["ntk"], "tolerance": 1e-9},
            "grid: tolerance of eigenvalues in float32",
        ),
        (
            {"quantities": ["ntk"], "tolerance": 1e-9, "gamma": [1e-3, 1.0]},
            "grid: tolerance of eigenvalues in float32",
        ),
        (
            {"dtype": "float32", "centred": True, "gamma": [1e-3, 1.0]},
            "grid: dtype must be float64 for a centred network at gamma < 0.01; given "
            "float32 at gamma = 0.001: centring subtracts outputs of size 1/gamma from each other and ",
        ),
        ({"model": "residual", "layers": 2}, "grid: layers of model 'residual' must be at least 3; given 2"),
        ({"optimizer": "flow", "batch": 8}, "grid: batch of the gradient flow must be 'whole'; given 8"),
    ],
)
def test_bad_input_names_the_key(keys, sentence):
    """Property: one sentence that names the offending key."""
    with pytest.raises(ValueError, match=re.escape(sentence)) as caught:
        sweep.grid(**keys)
    assert "\n" not in str(caught.value)
