"""The networks' experiments at micro scale, measured once a process."""

from dataclasses import replace

import pytest

from scalewright.papers.feature_strength import (
    activations,
    adaptive,
    collapse,
    convergence,
    edges,
    network_catalogue,
    settings,
    staircase,
)


@pytest.fixture(scope="session")
def micro():
    """The smoke scale with everything small: seconds in all."""
    return replace(
        settings.SMOKE,
        sharpness_gammas=(1e-3, 1e-2, 1e2, 1.5e2),
        sharpness_seeds=2,
        convnet_gammas=(1e-3, 1e-2, 1e2, 1.5e2),
        convnet_seeds=2,
        convnet_edge_gammas=(1e-3, 1e-2, 10.0, 1e2),
        edge_gammas=(1e-3, 1e-2, 10.0, 1e2),
        edge_seeds=dict.fromkeys(settings.EDGED, 2),
        edge_steps=20,
        online_gammas=(1e-4, 1e-3, 1e-2, 10.0, 1e2),
        online_seeds=2,
        online_steps=3,
        batch_seeds=2,
        batch_steps=5,
        collapse_gammas=(1e2, 1e3),
        collapse_seeds=4,
        linear_collapse_seeds=4,
        staircase_seeds=2,
        staircase_steps=5,
        index_seeds=2,
        adam_seeds=2,
        bounded_gammas=dict.fromkeys((2, 3), (100.0, 120.0)),
        power_points=2,
        activation_seeds=2,
        portrait_gammas=(1e-2, 1.0, 1e2),
        portrait_rates=1,
        portrait_steps=5,
    )


@pytest.fixture(scope="session")
def results(micro):
    """The trajectories of every stage with networks, by the names of the catalogue.

    Runs are shorter and levels cheaper than those of the scales, only here: what every stage needs, not what
    it shows.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(convergence, "CONVERGED_AT", 0.5)
        patch.setattr(edges, "PER_DECADE", 4)
        patch.setattr(edges, "COARSE", 4)
        patch.setattr(edges, "GOOD", dict.fromkeys(edges.GOOD, 0.5))
        patch.setattr(activations, "CONVERGED_AT", 0.5)
        patch.setattr(activations, "HALF", 0.95)
        patch.setattr(activations, "POWERS", {2: (0.12, 1e2, 1.5e2), 3: (0.05, 1e2, 1.5e2)})
        patch.setattr(adaptive, "LEARNT", 0.8)
        patch.setattr(collapse, "PREDICTOR_TAU", 1.0)
        patch.setattr(collapse, "SNAPSHOTS", 5)
        patch.setattr(collapse, "TAU_STEP", 0.1)
        patch.setattr(staircase, "MODE_STEP", 0.05)
        patch.setattr(staircase, "MODE_GAMMAS", (10.0, 100.0))
        patch.setattr(staircase, "INDEX_EVALUATION", 64)
        patch.setattr(staircase, "INDEX_BATCH", 8)
        return {stage.name: stage.run() for stage in network_catalogue.stages(micro, "cpu")}
