"""The picture of a table: one curve a class that ends near its limit, or one point a class."""

import numpy as np

from scalewright.theory.haar import table
from scalewright.theory.haar.figure import plot_table


def test_identity_curves_end_at_products_of_catalan_numbers():
    for group in ("orthogonal", "unitary", "symplectic"):
        curves = plot_table(table(6, group=group)).lines
        ends, limits = (np.array([line.get_ydata()[-1] for line in curves[i::2]]) for i in (0, 1))
        np.testing.assert_array_equal(limits, [2, 1, 1])
        np.testing.assert_allclose(ends, limits, rtol=0.05)


def test_a_table_of_numbers_is_drawn_as_points():
    ax = plot_table(table(6, 5))
    assert sorted(x for line in ax.lines for x in line.get_xdata()) == [0, 1, 2]
