"""How much of every past gradient, and of the initial weights, the weights of a step contain."""

import numpy as np


def memory(steps: int, *, momentum: float = 0.0, decay: float = 0.0) -> tuple[np.ndarray, np.ndarray]:
    r"""Return the memory of gradient descent with momentum and weight decay.

    The update $v \leftarrow \beta v + (g + \lambda W)$, $W \leftarrow W - \eta v$ (torch's `SGD`) is linear
    in the gradients, so that $W(t) = \rho(t)\,W(0) - \eta \sum_{s<t} a(t,s)\,g(s)$. Without momentum and
    decay $\rho = 1$ and $a(t,s) = 1$ for $s < t$; with momentum alone $a(t,s) = (1-\beta^{t-s})/(1-\beta)$.

    Args:
        steps: number of updates T.
        momentum: beta in [0, 1).
        decay: eta * lambda, the part of a weight that one step without momentum removes.

    Returns:
        (a, rho): a (T+1, T+1), strictly lower triangular, and rho (T+1,).

    >>> memory(2, momentum=0.5)[0].tolist()
    [[0.0, 0.0, 0.0], [1.0, 0.0, 0.0], [1.5, 1.0, 0.0]]
    """
    size = steps + 1
    parts = np.zeros((size, size + 1))  # column s: the impulse of the gradient of step s; last: W(0)
    parts[0, steps + 1] = 1.0
    velocity = np.zeros(size + 1)
    for t in range(steps):
        velocity = momentum * velocity - decay * parts[t]
        velocity[t] += 1.0
        parts[t + 1] = parts[t] + velocity
    return parts[:, :size], parts[:, size]
