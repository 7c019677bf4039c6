"""What a solution costs in memory, known before anything is allocated, and when real networks are cheaper."""

from scalewright.sim.dmft.problem import Problem

GIB = 2**30
#: Width of the networks that are the alternative: their bias, of relative order 1/N, is below the noise
# asked.
WIDTH = 1000


def kernel_bytes(problem: Problem, *, gammas: int, two_time: bool, sampled: bool) -> int:
    """Return the bytes of the kernels and responses that a trajectory would hold."""
    p, k, times, layers = problem.samples, problem.outputs, problem.times, problem.hidden_layers + 1
    behind = p * k if sampled else k
    second = times if two_time else 1
    numbers = layers * times * second * (p * p + behind * behind)
    if two_time:
        numbers += 2 * layers * times**2 * p * behind
    return 8 * gammas * (numbers + times * (p * k) ** 2)


def march_bytes(problem: Problem, *, gammas: int) -> int:
    """Return the bytes of the matrices of the deep linear march."""
    m = problem.times * problem.outputs
    return 8 * gammas * m * (6 * problem.hidden_layers * m + problem.samples)


def sampling_bytes(problem: Problem, draws: int, replicates: int, *, two_time: bool) -> int:
    """Return the bytes of one sampled march and of the replicates that wait to be averaged."""
    n, k, layers = problem.times * problem.samples, problem.outputs, problem.hidden_layers
    if layers == 1:
        march = draws * n * (1 + k) * 2 + n**2 * (1 + k**2)
    else:
        march = layers * (draws * n * 5 * (1 + k) + n**2 * (2 + 2 * k + 2 * k**2))
    return 8 * march + replicates * kernel_bytes(problem, gammas=1, two_time=two_time, sampled=True)


def check_memory(problem: Problem, need: int, limit: int, *, two_time: bool) -> None:
    """Raise ValueError, before anything is allocated, if the answer would not fit."""
    if need <= limit:
        return
    cut = "; kernels='equal-time' keeps only equal steps" if two_time else ""
    raise ValueError(
        f"dmft.solve: the kernels of {problem.samples} samples, {problem.outputs} outputs, {problem.steps} "
        f"steps and {problem.hidden_layers} hidden layers would fill {need / GIB:.1f} GiB, more than "
        f"memory={limit / GIB:.1f} GiB: cut steps or samples (the size grows with the square of both){cut}"
    )


def network_ratio(problem: Problem) -> float:
    """Return the cost of sampling over that of averaging networks of width 1000 with as many neurons in all.

    A step multiplies every draw of a layer with 12 blocks of (T+1) P K x P K, in networks every neuron with 3
    blocks of N x P (forward, backward, update). One neuron tells as much as one draw, and a product of the
    march takes three times as long (measured at P K T = 80, where both cost the same: narrow blocks).
    """
    sampled = 36 * problem.times * problem.samples**2 * problem.outputs**2
    trained = 3 * WIDTH * problem.samples * problem.outputs
    return sampled / trained if problem.hidden_layers > 1 else 0.0


def advice(problem: Problem, samples: int) -> str:
    """Say when averaging real networks is the cheaper way to the same error, "" where it is not."""
    ratio = network_ratio(problem)
    if ratio <= 1:
        return ""
    count = max(1, round(samples / WIDTH))
    return (
        f"averaging {count} networks of width {WIDTH} reaches a similar error at about 1/{ratio:.2g} of the "
        "cost (their 1/N bias comes on top)"
    )
