"""Every experiment at micro scale, measured once a process."""

from dataclasses import replace

import pytest

from scalewright.papers.batchnorm_isometry import catalogue, settings


@pytest.fixture(scope="session")
def micro():
    """The smoke scale with everything small: seconds in all."""
    return replace(
        settings.SMOKE,
        decay_widths=(8, 16),
        decay_seeds=4,
        theorem_widths=(4, 8),
        theorem_seeds=2,
        draws=20,
        depth=40,
        seeds=2,
        figure_depths=(3, 6),
        figure_seeds=2,
        exponent_depth=60,
        exponent_seeds=2,
        wide=192,
        gain_depth=20,
        gain_seeds=2,
        schedule_depths=(5, 10),
        samples=256,
        training_depths=(2, 3),
        epochs=2,
        linear_epochs=2,
        deep=4,
        deep_epochs=2,
        gaussian_depths=(2, 4),
        control_epochs=2,
        evaluation_depth=4,
        evaluation_epochs=1,
    )


@pytest.fixture(scope="session")
def results(micro):
    """The trajectories of every stage at micro scale, by the names of the catalogue."""
    stages = [*catalogue.chain(micro, "cpu"), *catalogue.beyond(micro, "cpu")]
    return {stage.name: stage.run() for stage in stages}
