"""Where blocks are trained: this process, a pool of processes, Dask, Slurm, or anything with `submit`."""

import os
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from typing import Any, Protocol

from scalewright.sim.pool import processes


class Executor(Protocol):
    """Whatever takes work as `concurrent.futures.Executor` does."""

    def submit(self, function: Callable[..., Any], /, *args: Any) -> Any:
        """Return a future, with `done()`, `result()` and, where it can, `cancel()`."""
        ...


class Local:
    """Run at once, in this process."""

    def submit(self, function: Callable[..., Any], /, *args: Any) -> "Future[Any]":
        """Return a finished future."""
        future: Future[Any] = Future()
        try:
            future.set_result(function(*args))
        except Exception as error:
            future.set_exception(error)
        return future


class ByName:
    """Let the workers of Dask import what they are to call, inside the task.

    Where a worker can't unpickle the function itself, Dask never answers; an error inside a task comes back.
    """

    _CALL = "__import__('importlib').import_module(module).__dict__[name](*args)"

    def __init__(self, executor: Executor) -> None:
        self.executor = executor

    def submit(self, function: Callable[..., Any], /, *args: Any) -> Any:
        """Return a future of the executor that calls a function of some module."""
        names = {"module": function.__module__, "name": function.__name__, "args": args}
        return self.executor.submit(eval, self._CALL, names)


NAMES = ("local", "processes", "dask", "slurm", "slurm-local")


@contextmanager
def opened(
    executor: Any, *, threads: int, address: str | None = None, workers: int | None = None, folder: Any = None
) -> Iterator[Executor]:
    """Yield what `executor` names, and close what was opened for it.

    Args:
        executor: "local" (this process), "processes" (a pool), "dask" (the cluster at `address`, or one of
            processes on this machine), "slurm" (through submitit; "slurm-local" runs its jobs here), or an
            object with `submit`.
        threads: of one block: a pool has as many workers as the cores hold. workers: another number of them.
        folder: where submitit keeps its jobs.

    Raises:
        ValueError: an unknown name, no worker, a package that is missing, a cluster that doesn't answer.
        TypeError: an object without `submit`.
    """
    if not isinstance(executor, str):
        if not callable(getattr(executor, "submit", None)):
            raise TypeError(
                f"executor must be one of {', '.join(NAMES)} or have submit(function, *args); "
                f"given {type(executor).__name__}"
            )
        yield ByName(executor) if type(executor).__module__.startswith("distributed.") else executor
        return
    if workers is not None and workers < 1:
        raise ValueError(f"executor: workers must be at least 1; given {workers!r}")
    count = workers or max(1, (os.cpu_count() or 1) // threads)
    match executor:
        case "local":
            yield Local()
        case "processes":
            with processes(count) as pool:
                yield pool
        case "dask":
            with _dask(address, count, threads) as client:
                yield ByName(client.get_executor(pure=False))
        case "slurm" | "slurm-local":
            yield _submitit("local" if executor == "slurm-local" else "slurm", threads, folder)
        case _:
            raise ValueError(f"executor must be one of {', '.join(NAMES)}; given {executor!r}")


@contextmanager
def _dask(address: str | None, workers: int, threads: int) -> Iterator[Any]:
    try:
        import distributed
    except ModuleNotFoundError:
        raise ValueError(_MISSING.format("distributed")) from None
    if address is None:
        with (
            distributed.LocalCluster(
                n_workers=workers, threads_per_worker=1, processes=True, dashboard_address=None
            ) as cluster,
            distributed.Client(cluster) as client,
        ):
            yield client
        return
    try:
        client = distributed.Client(address, timeout="20s")
    except (OSError, TimeoutError, ValueError) as error:
        raise ValueError(f"executor 'dask': no scheduler answers at {address!r} ({error})") from None
    with client:
        yield client


def _submitit(cluster: str, threads: int, folder: Any) -> Any:
    try:
        import submitit
    except ModuleNotFoundError:
        raise ValueError(_MISSING.format("submitit")) from None
    executor = submitit.AutoExecutor(folder=folder or "submitit", cluster=cluster)
    executor.update_parameters(cpus_per_task=threads, timeout_min=24 * 60, name="scalewright")
    return executor


_MISSING = "executor needs the package {!r}: pip install 'scalewright[cluster]'"
