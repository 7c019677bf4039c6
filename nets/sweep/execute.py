"""Train one block of runs, in whatever process: the same specification gives the same arrays to the byte."""

import hashlib
import platform
import threading
import time
import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Any

import numpy as np
import torch

from scalewright.nets.data import TensorData
from scalewright.nets.descent import Descent
from scalewright.nets.ensemble import Ensemble, Member
from scalewright.nets.feeds import Feed
from scalewright.nets.flow import Flow, Solver
from scalewright.nets.losses import resolve
from scalewright.nets.optimizers import Settings
from scalewright.nets.parametrize import construct
from scalewright.nets.program import Program
from scalewright.nets.record import Precision, Recorder
from scalewright.nets.sweep.plan import Planned
from scalewright.nets.sweep.specification import Run, from_dict
from scalewright.nets.sweep.task import build_of, feed_of, parametrization_of, sizes_of
from scalewright.sim.provenance import code_version, environment
from scalewright.sim.store.block import Block

#: How the sentence begins by which a worker says that its version is another one.
OTHER_VERSION = "executor: the workers' scalewright"
MODULE = "scalewright.nets.sweep.execute"
#: The threads of one process take turns: the number of torch's threads is the process's, and
#: `functional_call` puts weights into a module that blocks share: two at once would train with each other's.
_TURN = threading.Lock()


@dataclass(frozen=True)
class Outcome:
    """What a block gave: its arrays, or why there are none. `host` and `seconds` say where and how long."""

    block: Block | None
    reason: str
    host: str
    seconds: float


@cache
def code() -> str:
    """Return the version of everything that a run's arrays are computed by."""
    return code_version(MODULE)


def execute(specifications: Sequence[dict[str, Any]], keys: Sequence[str], version: str) -> Outcome:
    """Train the runs of one block and return their arrays; an error is returned and not raised.

    Args:
        specifications: plain data of the runs, of one shape. keys: of the same runs.
        version: of the code that planned them.

    Raises:
        ValueError: a process that has another version of the code: its arrays would be stored as this one's.
    """
    if version != code():
        raise ValueError(
            f"{OTHER_VERSION} ({code()}) is not that of the driver ({version}): install the same version "
            "there"
        )
    planned = Planned(tuple(from_dict(plain) for plain in specifications), tuple(keys))
    start, host = time.monotonic(), platform.node()
    try:
        with _TURN, computing(planned.runs[0].threads):
            block = train(planned)
    except Exception as error:
        where = traceback.extract_tb(error.__traceback__)[-1]
        reason = f"{type(error).__name__}: {error} ({where.name}, line {where.lineno})"
        return Outcome(None, " ".join(reason.split()), host, time.monotonic() - start)
    return Outcome(block, "", host, time.monotonic() - start)


def train(planned: Planned) -> Block:
    """Train the runs of a block, the slots that are left filled with copies of the last one."""
    runs = planned.padded
    ensemble, feed = ensemble_of(runs), feed_of(runs)
    follow = _flow if runs[0].optimizer == "flow" else _descent
    record = follow(runs[0], ensemble, feed)
    everything = Block(
        tuple(planned.keys) + ("",) * (len(runs) - len(planned.runs)),
        tuple(run.to_dict() for run in runs),
        runs[0].coordinate,
        runs[0].schedule_points(),
        record.values,
        record.dims,
        ensemble.diverged_at.numpy().astype(np.int64),
        _provenance(runs[0], feed, record),
    )
    return everything.rows(range(len(planned.runs)))


def ensemble_of(runs: Sequence[Run]) -> Ensemble:
    """Return the networks of a block."""
    first = runs[0]
    return Ensemble.stack(
        build_of(first),
        parametrization_of(first),
        [Member(run.seed, run.lr, run.gamma) for run in runs],
        **sizes_of(first),
        base_width=first.base_width,
        dtype=getattr(torch, first.precision),
        device=first.device,
        centred=first.centred,
    )


def _descent(first: Run, ensemble: Ensemble, feed: Feed) -> Recorder:
    points = first.schedule_points().tolist()
    settings = Settings(first.momentum, (first.beta1, first.beta2), first.eps, first.weight_decay)
    return Descent(
        ensemble,
        feed,
        steps=first.steps,
        loss=first.loss,
        recorded=points,
        observed=points,
        quantities=first.quantities,
        settings=settings,
        program=_program(first),
        divergence=first.divergence,
        precision=Precision(first.tolerance, first.budget),
    ).run()


def _flow(first: Run, ensemble: Ensemble, feed: Feed) -> Recorder:
    return Flow(
        ensemble,
        feed,
        times=first.schedule_points().tolist(),
        loss=first.loss,
        quantities=first.quantities,
        program=_program(first),
        solver=Solver(first.flow_tolerance, first.flow_budget),
        precision=Precision(first.tolerance, first.budget),
    ).run()


def _program(run: Run) -> Program:
    """Return the gradient's program, shared by the blocks whose networks have the same modules."""
    return _cached(
        Run(
            model=run.model,
            layers=run.layers,
            width=run.width,
            activation=run.activation,
            inputs=run.inputs,
            data=run.data,
            loss=run.loss,
            compiled=run.compiled,
            dtype=run.precision,
            device=run.device,
        )
    )


@lru_cache(maxsize=64)
def _cached(run: Run) -> Program:
    module = construct(build_of(run), **sizes_of(run))
    module.to(torch.device(run.device), getattr(torch, run.precision))
    return Program(module, resolve(run.loss), compiled=run.compiled)


@contextmanager
def computing(count: int) -> Iterator[None]:
    """Compute with so many threads, and put back what was; the number is one for the whole process."""
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _provenance(run: Run, feed: Feed, record: Recorder) -> dict[str, Any]:
    return {
        **environment(run.device),
        "code": code(),
        "host": platform.node(),
        "processor": torch.backends.cpu.get_cpu_capability(),
        "data_sha256": feed.evaluation.sha256 or _sha256(feed.evaluation),
        "unconverged": len(record.unconverged),
    }


def _sha256(data: TensorData) -> str:
    found = hashlib.sha256()
    for tensor in (data.inputs, data.targets):
        found.update(tensor.cpu().numpy().tobytes())
    return found.hexdigest()
