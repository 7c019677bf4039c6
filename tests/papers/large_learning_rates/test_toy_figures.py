"""The pictures of theory and toys: drawn from small runs, with a caption each."""

from dataclasses import replace

from scalewright.papers.large_learning_rates import settings, toy, toy_figures

SCALE = replace(settings.scale_of("smoke"), toy_seeds=2)


def test_every_picture_is_drawn_and_has_a_caption():
    runs = {f"uv-near-{loss}": toy.growth(SCALE, toy.NEAR, loss) for loss in ("squared", "cross-entropy")}
    runs |= {f"uv-limit-{c.replace('/', '-')}": toy.limits(SCALE, c) for c in ("0", "1/2", "1")}
    drawn = {
        "derived": toy_figures.plot_derived(),
        "uv-growth": toy_figures.plot_growth(runs),
        "uv-limits": toy_figures.plot_limits(runs),
    }
    assert set(drawn) | {"uv-edges"} == set(toy_figures.CAPTIONS)
    panels = {name: len(figure.axes) for name, figure in drawn.items()}
    assert panels == {"derived": 4, "uv-growth": 2, "uv-limits": 3}


def test_rates_are_drawn_with_their_slopes():
    once = toy.edges(SCALE, "sp-squared")
    small = {name: once.assign_attrs(case=name) for name in toy.EDGES}
    figure = toy_figures.plot_edges({f"uv-edge-{name}": data for name, data in small.items()})
    labels = [text.get_text() for ax in figure.axes for text in ax.get_legend().get_texts()]
    assert len(labels) == 7
    assert labels[0].startswith("SP: $n^{-1.0")
