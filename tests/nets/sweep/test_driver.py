"""Sweeps: the same bytes whatever happens on the way, nothing computed twice, nothing lost."""

import logging
import re
import sys
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial

import numpy as np
import pytest

from scalewright import nets, theory
from scalewright.nets import sweep
from scalewright.nets.sweep import driver
from scalewright.nets.sweep.executors import Local
from scalewright.sim import data as arrays
from scalewright.sim.store import Store


class Counting(Local):
    """Count the runs that are trained; after `left` blocks, do what a user or a machine does."""

    def __init__(self, left: int = 10**9, then: BaseException | None = None) -> None:
        self.left, self.then, self.runs = left, then, 0

    def submit(self, function, /, *args):
        if self.left == 0 and self.then is not None:
            raise self.then
        self.left -= 1
        self.runs += len(args[0])
        return super().submit(function, *args)


def test_oracle_a_run_of_a_sweep_is_the_network_trained_alone(small, tmp_path):
    """Oracle: `Ensemble.of` and `train`, one network at a time, in double precision; to 1e-9."""
    grid = small(lr=[0.1], dtype="float64", width=[8], gamma=[0.5, 2.0], block=64, tolerance=1e-7)
    found = sweep.run(grid, store=tmp_path)
    rules = theory.named(theory.mlp(3, "linear"), "mup", "sgd")
    build = partial(nets.models.mlp, 3, activation="linear")
    data = arrays.load("digits", samples=8)
    for gamma in (0.5, 2.0):
        for seed in (0, 1):
            alone = nets.Ensemble.of(
                build,
                rules,
                width=8,
                inputs=64,
                outputs=10,
                seeds=(seed,),
                lrs=(0.1,),
                gamma=gamma,
                device="cpu",
            )
            path = nets.train(
                alone, data, steps=6, observe_at=(0, 3, 6), quantities=("sharpness", "feature_change"),
                tolerance=1e-7,
            )  # fmt: skip
            run = found.sel(gamma=gamma, seed=seed).isel(width=0, lr=0)
            np.testing.assert_allclose(run.loss, path.loss.values[0, 0, [0, 3, 6]], rtol=1e-9)
            np.testing.assert_allclose(run.sharpness, path.sharpness.values[0, 0, [0, 3, 6]], rtol=1e-9)
            np.testing.assert_allclose(
                run.feature_change, path.feature_change.values[0, 0, [0, 3, 6]], rtol=1e-9, atol=1e-15
            )


def test_identity_the_trajectory_has_the_grids_axes(small, tmp_path):
    """Identity: dimensions and coordinates of the call; the run at lr = 1e4 diverged, the others did not."""
    found = sweep.run(small(), store=tmp_path)
    assert found.loss.dims == ("width", "lr", "seed", "step")
    assert found.feature_change.dims == ("width", "lr", "seed", "step", "layer")
    assert found.lr.values.tolist() == [0.01, 0.1, 1e4]
    diverged = found.diverged_at.values
    assert (diverged[:, 2] > 0).all()
    assert (diverged[:, :2] == -1).all()
    assert np.isnan(found.loss.values[:, 2, :, -1]).all()
    assert np.isfinite(found.loss.values[:, :2]).all()
    assert found.attrs["missing"] == 0


def test_identity_threads_of_one_process_do_not_share_weights(small, tmp_path, as_bytes):
    """Identity: four threads at once, which take turns at a module that blocks share, to the byte."""
    grid = small(width=[8], lr=[0.01, 0.02, 0.05, 0.1], steps=30, block=2, quantities=[])
    here = as_bytes(sweep.run(grid, store=tmp_path / "here"))
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)  # threads that interrupt each other everywhere
    try:
        with ThreadPoolExecutor(4) as pool:
            there = sweep.run(grid, store=tmp_path / "there", executor=pool)
    finally:
        sys.setswitchinterval(before)
    assert as_bytes(there) == here


@pytest.mark.parametrize("executor", ["threads", "processes"])
def test_identity_every_executor_gives_the_same_bytes(small, tmp_path, as_bytes, executor):
    """Identity: in process, a pool of threads and one of processes, to the byte."""
    grid = small()
    here = as_bytes(sweep.run(grid, store=tmp_path / "here"))
    if executor == "processes":
        there = sweep.run(grid, store=tmp_path / "there", executor="processes", workers=2)
    else:
        with ThreadPoolExecutor(1) as pool:
            there = sweep.run(grid, store=tmp_path / "there", executor=pool)
    assert as_bytes(there) == here


def test_identity_only_what_is_missing_is_trained(small, tmp_path, as_bytes):
    """Identity: nothing twice; a wider grid trains the new runs alone, to the bytes of one call."""
    first, again, wider = Counting(), Counting(), Counting()
    sweep.run(small(lr=[0.01, 0.1]), store=tmp_path / "a", executor=first)
    sweep.run(small(lr=[0.01, 0.1]), store=tmp_path / "a", executor=again)
    assert (first.runs, again.runs) == (8, 0)
    grown = sweep.run(small(seed=[0, 1, 2]), store=tmp_path / "a", executor=wider)
    assert wider.runs == 18 - 8
    assert as_bytes(grown) == as_bytes(sweep.run(small(seed=[0, 1, 2]), store=tmp_path / "b"))


@pytest.mark.parametrize("then", [KeyboardInterrupt(), RuntimeError("the scheduler is gone")])
def test_identity_a_stopped_sweep_goes_on(small, tmp_path, as_bytes, then):
    """Identity: what is finished is kept, the same call trains the rest, and the bytes are the same."""
    stopped, rest = Counting(2, then), Counting()
    with pytest.raises(type(then)):
        sweep.run(small(), store=tmp_path / "a", executor=stopped)
    found = sweep.run(small(), store=tmp_path / "a", executor=rest)
    assert stopped.runs + rest.runs <= 12 + 4  # at most the block in work is trained twice
    assert rest.runs < 12
    assert as_bytes(found) == as_bytes(sweep.run(small(), store=tmp_path / "b"))
    assert len(Store(tmp_path / "a").places) == 12


def test_identity_a_damaged_file_is_trained_again(small, tmp_path, as_bytes, caplog):
    """Identity: a truncated and a foreign file are set aside by name, and the bytes are the same."""
    whole = as_bytes(sweep.run(small(), store=tmp_path))
    victim = sorted((tmp_path / "blocks").iterdir())[0]
    victim.write_bytes(victim.read_bytes()[: victim.stat().st_size // 2])
    (tmp_path / "blocks" / "notes.txt").write_text("mine")
    counting = Counting()
    with caplog.at_level(logging.WARNING, logger="scalewright.sweep"):
        assert as_bytes(sweep.run(small(), store=tmp_path, executor=counting)) == whole
    assert 0 < counting.runs <= 4
    assert victim.name in caplog.text
    assert "notes.txt" in caplog.text
    assert len(list((tmp_path / "aside").iterdir())) == 2


def test_identity_two_drivers_on_one_store(small, tmp_path, as_bytes):
    """Identity: a second driver in the midst of a first one; each run is there once, to the same bytes."""

    class Inviting(Local):
        invited = False

        def submit(self, function, /, *args):
            if not Inviting.invited:
                Inviting.invited = True
                sweep.run(small(), store=tmp_path / "a")
            return super().submit(function, *args)

    first = as_bytes(sweep.run(small(), store=tmp_path / "a", executor=Inviting()))
    assert first == as_bytes(sweep.run(small(), store=tmp_path / "b"))
    status = Store(tmp_path / "a").status()
    assert (status.runs, status.files, status.aside) == (12, Store(tmp_path / "b").status().files, ())


def test_identity_companions_do_not_change_a_run(small, tmp_path, as_bytes):
    """Identity: blocks of 2, 4 and 64, and another order of the axes, to the byte; float32 and float64."""
    for dtype in ("float32", "float64"):
        found = []
        for index, block in enumerate((2, 4, 64)):
            grid = small(None, dtype=dtype, block=block, activation="relu", lr=[0.1, 1.0, 1e4])
            found.append(as_bytes(sweep.run(grid, store=tmp_path / f"{dtype}{index}")))
        turned = small(None, dtype=dtype, activation="relu", seed=[1, 0], lr=[1e4, 0.1, 1.0])
        path = sweep.run(turned, store=tmp_path / f"{dtype}t")
        found.append(as_bytes(path.sel(seed=[0, 1], lr=[0.1, 1.0, 1e4])))
        assert found[1:] == found[:1] * 3


def test_property_progress_counts(small, tmp_path):
    """Property: every block reports; the last report has all runs, those that diverged, and nothing left."""
    seen: list[sweep.Tally] = []
    sweep.run(small(lr=[0.01]), store=tmp_path)
    sweep.run(small(), store=tmp_path, progress=seen.append)
    assert (seen[-1].there, seen[-1].done, seen[-1].diverged, seen[-1].failed) == (4, 8, 4, 0)
    assert (seen[-1].left, seen[-1].remaining) == (0, 0.0)
    assert [tally.done for tally in seen] == sorted(tally.done for tally in seen)


def test_control_a_block_that_fails_is_told_and_the_others_are_kept(small, tmp_path, monkeypatch):
    """Control: an error in one shape's training; its reason is told, the rest is in the store."""
    honest = nets.sweep.execute.train

    def train(planned):
        if planned.runs[0].width == 12:
            raise MemoryError("no room")
        return honest(planned)

    monkeypatch.setattr("scalewright.nets.sweep.execute.train", train)
    with pytest.raises(sweep.SweepError, match=r"^sweep: 6 of 12 runs failed, .* MemoryError: no room"):
        sweep.run(small(), store=tmp_path)
    monkeypatch.setattr("scalewright.nets.sweep.execute.train", honest)
    left = sweep.open_grid(small(), tmp_path)
    assert left.attrs["missing"] == 6
    assert np.isnan(left.loss.sel(width=12)).all()
    assert (left.diverged_at.sel(width=12) == -2).all()
    counting = Counting()
    assert sweep.run(small(), store=tmp_path, executor=counting).attrs["missing"] == 0
    assert counting.runs == 6


def test_property_a_lost_worker_is_replaced(small, tmp_path):
    """Property: a future that breaks is handed out again; one that always breaks fails with its reason."""

    class Losing(Local):
        def __init__(self, losses):
            self.losses = losses

        def submit(self, function, /, *args):
            if self.losses:
                self.losses -= 1
                future: Future = Future()
                future.set_exception(OSError("worker killed"))
                return future
            return super().submit(function, *args)

    assert sweep.run(small(), store=tmp_path / "a", executor=Losing(3)).attrs["missing"] == 0
    with pytest.raises(sweep.SweepError, match="worker lost: OSError: worker killed"):
        sweep.run(small(), store=tmp_path / "b", executor=Losing(10**6))


def test_property_a_block_that_kills_its_worker_takes_no_other_with_it(small, tmp_path, monkeypatch):
    """Property: all futures of a broken pool fail at once; only the block that breaks it again is lost."""

    class Pool:
        """Two blocks at a time; when a deadly one is among them, both are lost."""

        capacity = 2

        def __init__(self):
            self.held = []

        def submit(self, function, /, *args):
            future: Future = Future()
            self.held.append((future, function, args))
            if len(self.held) == 2 or args[0][0]["width"] == 12 or self.alone:
                self.finish()
            return future

        alone = False

        def finish(self):
            held, self.held = self.held, []
            deadly = any(args[0][0]["lr"] == 1e4 and args[0][0]["width"] == 12 for _, _, args in held)
            for future, function, args in held:
                if deadly:
                    self.alone = True
                    future.set_exception(OSError("pool broken"))
                else:
                    future.set_result(function(*args))

    with pytest.raises(sweep.SweepError, match=r"^sweep: 2 of 12 runs failed, 10 are stored"):
        sweep.run(small(block=2, lr=[0.01, 0.1, 1e4], seed=[0, 1]), store=tmp_path, executor=Pool())


def test_property_missed_tolerances_are_told(small, tmp_path):
    """Property: a budget that is too small is warned of and counted."""
    with pytest.warns(UserWarning, match=r"^sweep: \d+ measurements missed the tolerance"):
        sweep.run(small(lr=[0.1], budget=1, activation="tanh"), store=tmp_path)


def test_bad_input(small, tmp_path, monkeypatch):
    """Property: the whole sentences, and nothing lost."""
    sweep.run(small(), store=tmp_path)
    with pytest.raises(
        ValueError, match=r"another grid: steps was 6 and is 7; give the new grid another name$"
    ):
        sweep.run(small(steps=7), store=tmp_path)
    with pytest.raises(ValueError, match=r"another grid: lr no longer has 0\.01"):
        sweep.run(small(lr=[0.1]), store=tmp_path)
    with pytest.raises(ValueError, match=r"^executor: workers must be at least 1; given 0$"):
        sweep.run(small(None, steps=7), store=tmp_path, executor="processes", workers=0)
    with pytest.raises(TypeError, match=r"^executor must be one of local, .* given int$"):
        sweep.run(small(None, steps=7), store=tmp_path, executor=3)
    with pytest.raises(ValueError, match=r"^executor must be one of local, .* given 'clowd'$"):
        sweep.run(small(None, steps=7), store=tmp_path, executor="clowd")

    class Lacking(Local):
        def submit(self, function, /, *args):
            future: Future = Future()
            future.set_exception(ModuleNotFoundError("No module named 'scalewright'"))
            return future

    sentence = "executor: its workers lack a package (No module named 'scalewright'); install scalewright"
    with pytest.raises(ValueError, match=re.escape(sentence)):
        sweep.run(small(None, steps=7), store=tmp_path, executor=Lacking())

    class Wrapping(Local):
        def submit(self, function, /, *args):
            future: Future = Future()
            future.set_exception(
                RuntimeError("Job failed:\nValueError: executor: the workers' scalewright (x)")
            )
            return future

    with pytest.raises(ValueError, match=r"^executor: the workers' scalewright \(x\)$"):
        sweep.run(small(None, steps=7), store=tmp_path, executor=Wrapping())

    class Older(Local):
        def submit(self, function, /, specifications, keys, code):
            return super().submit(function, specifications, keys, "older")

    with pytest.raises(
        ValueError, match=r"^executor: the workers' scalewright \(\w+\) is not that of the driver"
    ):
        sweep.run(small(None, steps=7), store=tmp_path, executor=Older())
    assert sweep.open_grid(small(), tmp_path).attrs["missing"] == 0


def test_a_full_disk(small, tmp_path, monkeypatch, as_bytes):
    """Property: one sentence; the store is whole, and with room again the same call goes on."""
    from scalewright.sim.store import block as blocks

    honest, written = blocks.write, []

    def write(block, folder):
        if len(written) == 2:
            (folder / ".half.part").write_bytes(b"x")
            (folder / ".half.part").unlink()
            raise OSError(28, "No space left on device")
        written.append(block.name)
        return honest(block, folder)

    monkeypatch.setattr(blocks, "write", write)
    with pytest.raises(
        ValueError, match=r"^store .* can't be written: its disk is full; what it holds is whole"
    ):
        sweep.run(small(), store=tmp_path / "a")
    assert Store(tmp_path / "a").status().files == 2
    monkeypatch.setattr(blocks, "write", honest)
    assert as_bytes(sweep.run(small(), store=tmp_path / "a")) == as_bytes(
        sweep.run(small(), store=tmp_path / "b")
    )


@pytest.mark.parametrize(
    "keys",
    [
        {"optimizer": ["momentum", "sign", "adam", "adamw"], "lr": [0.01]},
        {"optimizer": "flow", "lr": [1.0], "horizon": 0.5, "activation": "tanh"},
        {"data": "teacher", "inputs": 6, "batch": 4, "online": True, "task": [0, 1], "lr": [0.01]},
        {"data": "multi-index", "inputs": 6, "data_seed": [0, 1], "lr": [0.01]},
        {"batch": [2, 4], "data_seed": [0, 1], "lr": [0.01]},
        {"model": "convnet", "width": [4], "lr": [0.01], "layers": 3},
        {"model": "gpt", "width": [4], "data": "text", "inputs": 5, "loss": "cross-entropy", "layers": 1,
         "samples": 4, "optimizer": "adam", "lr": [0.01], "activation": "gelu", "quantities": ["accuracy"]},
        {"centred": True, "gamma": [1e-3, 1.0], "lr": [0.01], "batch": 4},
        {"loss": "cross-entropy", "lr": [0.01], "quantities": ["gauss_newton", "residual", "ntk"]},
        {"quantities": ["logits", "outputs", "gradient_norm", "alignment", "accuracy"], "layers": [2, 3]},
    ],
    ids=lambda keys: "-".join(keys)[:30],
)  # fmt: skip
def test_property_everything_that_can_be_asked_for_trains(small, tmp_path, keys):
    """Property: finite losses that fall, and every quantity where it was asked for."""
    grid = small(**{"width": [8], "lr": [0.01, 0.1], **keys})
    found = sweep.run(grid, store=tmp_path)
    assert found.attrs["missing"] == 0
    assert np.isfinite(found.loss).all()
    assert float(found.loss.isel({grid.runs[0].coordinate: -1}).mean()) < float(
        found.loss.isel({grid.runs[0].coordinate: 0}).mean()
    )
    for name in grid.runs[0].quantities:
        assert np.isfinite(found[name].isel(layer=[0]) if "layer" in found[name].dims else found[name]).all()


def test_identity_open_grid_trains_nothing(small, tmp_path):
    """Identity: what `run` returned; a store with none of the runs is refused."""
    sweep.run(small(), store=tmp_path)
    assert sweep.open_grid(small(), tmp_path).identical(sweep.run(small(), store=tmp_path))
    with pytest.raises(ValueError, match=r"holds none of the 12 runs of this grid$"):
        sweep.open_grid(small(steps=9), tmp_path)


def test_property_the_window_bounds_what_is_in_work(small, tmp_path, monkeypatch):
    """Property: no more blocks are handed out than the window holds."""
    monkeypatch.setattr(driver, "WINDOW", 2)
    with ThreadPoolExecutor(1) as pool:
        assert sweep.run(small(block=1), store=tmp_path, executor=pool).attrs["missing"] == 0
