"""The command line: what it prints, what it refuses and how it says so, what it leaves behind."""

import json
import re
import signal
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest
import torch
from typer.testing import CliRunner

from scalewright import frontdoor
from scalewright.cli import app
from scalewright.commands import runs
from scalewright.papers.reproduction import PAPERS
from scalewright.papers.stages import Stage
from scalewright.papers.super_consistency import catalogue
from scalewright.report import Page, chain
from scalewright.sim import dataset as datasets
from scalewright.sim.verdict import judge
from scalewright.theory import Architecture, derive, edges, gpt, mechanism, mlp, named, profile
from scalewright.theory.desiderata import DESIDERATA


@pytest.fixture(autouse=True)
def elsewhere(tmp_path, monkeypatch):
    """Run every command in an empty folder, so that reports/ of the tree stays as it is."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def call(*arguments):
    return CliRunner().invoke(app, [str(a) for a in arguments])


def refused(*arguments):
    """Return the one sentence with which a command refuses its input."""
    outcome = call(*arguments)
    assert outcome.exit_code == frontdoor.BAD_INPUT, outcome.output
    (line,) = outcome.stderr.split("\n")[-2:-1]
    assert outcome.stderr.strip() == line, outcome.stderr
    assert line.startswith("scalewright: ")
    return line.removeprefix("scalewright: ")


# what the commands print


@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
def test_derive_json_has_the_published_shape(optimizer):
    outcome = call("derive", "--optimizer", optimizer, "--json")
    assert (outcome.exit_code, outcome.stderr) == (0, "")
    found = json.loads(outcome.stdout)
    keys = {"name", "multiplier", "init_std", "lr", "eps", "weight_decay"}
    assert all(set(row) == keys for row in found["parameters"])
    assert found["certificate"]["verified"] is True
    rates = [row["lr"]["width"] for row in found["parameters"]]
    assert rates == {"sgd": ["1", "0", "-1"], "adam": ["0", "-1", "-1"]}[optimizer]
    assert [row["init_std"]["width"] for row in found["parameters"]] == ["0", "-1/2", "-1"]


def test_derive_prints_a_table_and_that_it_was_verified():
    outcome = call("derive", "--parametrization", "ntp", "--layers", 2)
    assert outcome.exit_code == 0
    assert "| readout.weight |" in outcome.stdout
    assert "The certificate was verified in exact arithmetic." in outcome.stdout


def test_derive_reads_an_architecture_from_a_file(elsewhere):
    network = mlp(layers=4, activation="tanh", bias=True)
    path = frontdoor.write_text(elsewhere / "network.json", json.dumps(network.to_json()))
    found = json.loads(call("derive", "--arch", path, "--json").stdout)
    assert found == json.loads(frontdoor.to_json(derive(Architecture.from_json(path.read_text())).to_json()))


def test_derive_writes_table_and_proofs(elsewhere):
    assert call("derive", "--out", "mine").exit_code == 0
    written = json.loads((elsewhere / "mine" / "derive.json").read_text())
    assert written == json.loads(call("derive", "--json").stdout)
    page = (elsewhere / "mine" / "index.html").read_text()
    assert page.count("hidden.0.weight") > 1
    assert not any(other in page for other in ("<script", "<link", "src="))


def test_derive_knows_every_network_and_prints_both_ends_of_a_segment():
    outcome = call("derive", "--arch", "gpt", "--optimizer", "adamw", "--axes", "width,depth")
    assert outcome.exit_code == 0
    assert "completep" in outcome.stdout
    assert "| blocks.mlp.up.weight | 1 | n^-1/2 | n^-1 L^-1/2 |" in outcome.stdout
    options = ["--with", "tied=true", "--with", "heads=fixed", "--loss", "mse"]
    found = json.loads(call("derive", "--arch", "gpt", *options, "--json").stdout)
    expected = derive(gpt(tied=True, heads="fixed", loss="squared")).to_json()
    assert found == json.loads(frontdoor.to_json(expected))
    assert {"name": "readout.multiplier", "multiplier": {"width": "-1"}} in found["multipliers"]


def test_the_page_of_derive_shows_every_axis_factor_and_end(elsewhere):
    """The table of the page is that of the terminal: depth, decay, branches, and both ends of the segment."""
    options = ["--arch", "resnet", "--optimizer", "adamw", "--axes", "width,depth"]
    assert call("derive", *options, "--out", "mine").exit_code == 0
    page = (elsewhere / "mine" / "index.html").read_text()
    for text in ("n^-1 L^-1/2", "n L^1/2", "weight decay", "blocks.sum.branch", "width first, then depth"):
        assert text in page
    assert page.count("<table") == 2


def test_derive_takes_requirements_by_name():
    require = "unit gain,stable features,one rate,largest rates"
    found = json.loads(call("derive", "--layers", 3, "--require", require, "--json").stdout)
    assert [row["lr"] for row in found["parameters"]] == [{"width": "-1/2"}] * 3


def test_profile_prints_what_the_library_says():
    options = ["--layers", 4, "--parametrization", "sp", "--optimizer", "sgd", "--loss", "ce"]
    found = json.loads(call("profile", *options, "--lr", "width=-1/2", "--json").stdout)
    expected = profile(named(mlp(4), "sp"), lr={"width": "-1/2"}).to_json()
    assert found == json.loads(frontdoor.to_json(expected))
    assert found["axes"]["width"]["regime"] == "controlled divergence"
    squared = call("profile", *options[:-1], "squared", "--lr", "width=-1/2").stdout
    assert "catastrophic" in squared


def test_edges_prints_what_the_library_says():
    found = json.loads(call("edges", "--layers", 4, "--loss", "ce", "--json").stdout)
    assert found == json.loads(frontdoor.to_json(edges(mlp(4)).to_json()))
    assert "controlled divergence above n^-1 up to n^-1/2" in call("edges", "--layers", 4).stdout
    proof = call("edges", "--layers", 4, "--proof", "feature learning").stdout
    assert proof.rstrip().endswith("hence lr ~ n^-1/2")


def test_edges_explains_why_step_by_step():
    found = call("edges", "--layers", 3, "--loss", "mse", "--explain").stdout
    assert found.rstrip() == mechanism(mlp(3), "sp", "sgd", "squared").explain()
    record = json.loads(call("edges", "--layers", 3, "--loss", "ce", "--explain", "--json").stdout)
    assert record["derivation"] == mechanism(mlp(3), "sp", "sgd").explain().splitlines()
    assert record["window"] == [{"width": "-1"}, {"width": "-1/2"}]


def test_the_readout_and_the_outputs_are_options():
    """Adam bears n^-1 if the readout passes changes on independently, as one with many outputs does."""
    for options in (["--readout-alignment", "1/2"], ["--grow", "outputs=1"]):
        found = json.loads(call("edges", "--layers", 4, "--optimizer", "adam", *options, "--json").stdout)
        assert found["bounded_logits"] == {"width": "-1"}, options
    options = ["--layers", 3, "--parametrization", "sp-full-align", "--json"]
    for more, change in (([], "1/2"), (["--grow", "outputs=1"], "0")):
        rows = json.loads(call("profile", *options, *more).stdout)["axes"]["width"]["later"]
        assert rows[-1]["change"] == change


def test_explain_prints_the_proof_of_one_entry():
    outcome = call("explain", "hidden.0.weight", "lr")
    assert outcome.exit_code == 0
    assert "hidden.0.weight" in outcome.stdout
    found = json.loads(call("explain", "hidden.0.weight", "lr", "--json").stdout)
    assert (found["parameter"], found["quantity"]) == ("hidden.0.weight", "lr")
    assert found["proof"] == outcome.stdout.splitlines()


def test_claims_json_lists_every_claim():
    outcome = call("claims", "--json")
    rows = json.loads(outcome.stdout)["claims"]
    assert {"id", "paper", "statement", "verdict", "stale", "scale"} <= set(rows[0])
    ids = [row["id"] for row in rows]
    assert len(ids) == len(set(ids)) >= 8
    verdicts = {row["verdict"] for row in rows}
    expected = 1 if "deviates" in verdicts else 3 if verdicts - {"reproduced"} else 0
    assert outcome.exit_code == expected


def test_claims_prints_the_same_ids():
    outcome = call("claims", "--paper", "super-consistency")
    listed = json.loads(call("claims", "--paper", "super-consistency", "--json").stdout)["claims"]
    assert all(row["id"] in outcome.stdout for row in listed)


# bad input


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (
            ["derive", "--parametrization", "foo"],
            "named: name must be one of sp, ntp, mean-field, mup, depth-mup, completep, sp-full-align; "
            "given 'foo'",
        ),
        (
            ["derive", "--optimizer", "foo"],
            "derive: optimizer must be one of sgd, sgd-l2, momentum, nesterov, adam, adamw, "
            "adamw-independent, sign, lion, adafactor, muon, shampoo; given 'foo'",
        ),
        (
            ["derive", "--arch", "foo"],
            "--arch must be one of mlp, convnet, resnet, vit, gpt, moe, lora, autoencoder or a .json file; "
            "given 'foo'",
        ),
        (["derive", "--with", "bias"], "--with must be given as KEY=VALUE; given 'bias'"),
        (["derive", "--with", "tied=true"], "--arch mlp takes layers, activation, bias, loss; given 'tied'"),
        (
            ["derive", "--arch", "gpt", "--layers", "3"],
            "--arch gpt takes place, tied, norm, activation, gated, bias, heads, grouped, vocabulary, loss; "
            "given 'layers'",
        ),
        (
            ["derive", "--arch", "my.json", "--layers", "3"],
            "--arch my.json is a file, which says all of the network; given layers",
        ),
        (
            ["derive", "--require", "speed"],
            f"derive: require must name desiderata among {', '.join(DESIDERATA)}; given 'speed'",
        ),
        (
            ["derive", "--require", "unit gain,stable features,nontrivial"],
            "derive: the requirements leave c[input.weight] open, in one case from 0 to oo; "
            "add one that settles it",
        ),
        (
            ["profile", "--lr", "width=half"],
            "Power: the exponent of 'width' must be an exact rational: Fraction, int or a string such as "
            "'-1/2'; given 'half'",
        ),
        (["profile", "--lr", "width"], "--lr must be given as KEY=VALUE; given 'width'"),
        (["edges", "--require", "nontrivial"], "--require means nothing here; given nontrivial"),
        (["edges", "--grow", "outputs"], "--grow must be given as KEY=VALUE; given 'outputs'"),
        (
            ["edges", "--grow", "vocabulary=1"],
            "grown: sizes must be among inputs, width, outputs; given 'vocabulary'",
        ),
        (
            ["edges", "--readout-alignment", "2"],
            "Alignment: narrow must lie between 1/2 and 1; given 2",
        ),
        (
            ["edges", "--proof", "bounded logits", "--explain"],
            "--proof and --explain are two texts; given both: leave one out",
        ),
        (["edges", "--axes", "depth"], "--axes must be width, on which edges are derived; given depth"),
        (
            ["derive", "--parametrization", "completep"],
            "named: completep is for networks with repeated residual blocks; given none",
        ),
        (
            ["edges", "--proof", "loss"],
            "Edges.explain: edge must be one of bounded logits, feature learning; given 'loss'",
        ),
        (["derive", "--arch", "foo.json"], "foo.json: no such file or directory"),
        (
            ["derive", "--axes", "depth"],
            "derive: an axis must be a size that something depends on (inputs, width, batch, gamma); "
            "given 'depth'",
        ),
        (
            ["derive", "--axes", "width,width"],
            "derive: axes must be a tuple of distinct axis names; given ('width', 'width')",
        ),
        (
            ["derive", "--parametrization", "mup", "--axes", "inputs"],
            "--parametrization mup says what is required and on which axes; given --axes inputs",
        ),
        (["derive", "--layers", "1"], "mlp: layers must be an integer of at least 2; given 1"),
        (
            ["derive", "--activation", "foo"],
            "mlp: activation must be one of linear, relu, leaky_relu, gelu, silu, tanh, erf; given 'foo'",
        ),
        (
            ["derive", "--loss", "foo"],
            "mlp: loss must be one of squared, cross-entropy, brier; given 'foo'",
        ),
        (
            ["derive", "--gauge", "foo"],
            "in_gauge: gauge must be one of no-multipliers, unit-variance, tensor-programs-4, "
            "output-multiplier, table-3, table-8, table-9, ntk; given 'foo'",
        ),
        (
            ["explain", "foo.weight"],
            "Parametrization: parameter must be one of input.weight, hidden.0.weight, readout.weight; "
            "given 'foo.weight'",
        ),
        (
            ["explain", "input.weight", "foo"],
            "explain: quantity must be one of multiplier, init_std, lr, eps, weight_decay; given 'foo'",
        ),
        (["verify", "--scale", "foo"], "scale must be one of smoke, standard; given 'foo'"),
        (["verify", "--workers", "0"], "--workers must be at least 1; given 0"),
        (["verify", "--device", "foo"], "device must be 'auto', 'cpu' or 'cuda'; given 'foo'"),
        (
            ["verify", "--data", "mnist"],
            "data must be one of digits, fashion-mnist, fashion-mnist-test; given 'mnist'",
        ),
        (
            ["verify", "--widths", "64,many"],
            "a list of widths must be integers with commas between; given '64,many'",
        ),
        (
            ["verify", "--widths", "0,64"],
            "widths must be at least two increasing positive integers; given [0, 64]",
        ),
        (
            ["verify", "--widths", "64"],
            "widths must be at least two increasing positive integers; given [64]",
        ),
        (
            ["verify", "--linear-widths", "128,64"],
            "linear widths must be at least two increasing positive integers; given [128, 64]",
        ),
        (
            ["verify", "--linear-widths", "64,128"],
            "linear widths must hold two of at least 256, where slopes are fitted; given [64, 128]",
        ),
        (["verify", "--rate", "0"], "rate must be positive and finite; given 0.0"),
        (
            ["reproduce", "foo"],
            f"paper must be one of {', '.join(PAPERS)}; given 'foo'",
        ),
        (
            ["reproduce", "super-consistency", "--scale", "foo"],
            "scale must be one of smoke, standard; given 'foo'",
        ),
        (
            ["reproduce", "batchnorm-isometry", "--scale", "foo"],
            "scale must be one of smoke, standard, full; given 'foo'",
        ),
        (
            ["claims", "--paper", "foo"],
            f"paper must be one of {', '.join(PAPERS)}; given 'foo'",
        ),
    ],
)
def test_bad_value_is_one_sentence(arguments, sentence, elsewhere):
    assert refused(*arguments) == sentence
    assert list(elsewhere.iterdir()) == []


@pytest.mark.parametrize(
    "arguments", [["frobnicate"], ["derive", "--layers", "two"], ["verify", "--frobnicate"], ["explain"]]
)
def test_unknown_command_or_option_is_refused(arguments):
    outcome = call(*arguments)
    assert outcome.exit_code == frontdoor.BAD_INPUT
    assert "Usage: " in outcome.stderr


def test_architecture_of_another_schema_is_refused(elsewhere):
    record = mlp().to_json() | {"schema": 99}
    (elsewhere / "old.json").write_text(json.dumps(record))
    assert refused("derive", "--arch", "old.json") == (
        "Architecture.from_json: schema must be 1; given 99: write the file again with Architecture.to_json"
    )


@pytest.mark.parametrize("command", [["verify"], ["reproduce", "super-consistency"]])
def test_cuda_without_cuda_is_refused_before_anything_is_written(command, elsewhere, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert refused(*command, "--device", "cuda") == (
        "device='cuda' needs CUDA and torch sees no CUDA device: pass 'cpu' or 'auto'"
    )
    assert list(elsewhere.iterdir()) == []


TRAINING = [["verify"], ["reproduce", "super-consistency"]]


@pytest.mark.parametrize("command", [*TRAINING, ["derive"]])
def test_existing_folder_is_refused(command, elsewhere):
    (elsewhere / "mine").mkdir()
    (elsewhere / "mine" / "thesis.tex").write_text("ten years")
    assert refused(*command, "--out", "mine") == (
        "--out mine exists; give another folder, --resume to go on in it, or --force to replace it"
    )
    assert refused(*command, "--out", "mine", "--force") == (
        "--out mine is not a report folder of this program; it is not replaced or written to, even with "
        "--force or --resume"
    )
    assert (elsewhere / "mine" / "thesis.tex").read_text() == "ten years"


def test_force_replaces_a_report_folder(elsewhere):
    assert call("derive", "--out", "mine").exit_code == 0
    (elsewhere / "mine" / "stale.txt").touch()
    assert call("derive", "--out", "mine", "--force").exit_code == 0
    assert not (elsewhere / "mine" / "stale.txt").exists()
    assert (elsewhere / "mine" / "derive.json").exists()


@pytest.mark.parametrize("command", TRAINING)
def test_resume_takes_only_a_folder_of_a_stopped_run(command, elsewhere):
    (elsewhere / "mine").mkdir()
    assert "--out mine is not a report folder" in refused(*command, "--out", "mine", "--resume")
    sentence = "--resume goes on in the folder of a stopped run: give it with --out, and without --force"
    assert refused(*command, "--resume") == sentence
    assert refused(*command, "--resume", "--force", "--out", "mine") == sentence
    assert list((elsewhere / "mine").iterdir()) == []


@pytest.mark.parametrize("command", [*TRAINING, ["derive"]])
def test_folder_that_cannot_be_made_is_refused(command, elsewhere):
    """A folder below a regular file stops root too, whom permissions don't."""
    (elsewhere / "file").write_text("")
    assert refused(*command, "--out", "file/mine") == (
        "file/mine can't be written: not a directory; give another --out"
    )


def test_reports_that_is_a_file_is_refused(elsewhere):
    (elsewhere / "reports").write_text("")
    assert refused("verify") == "reports can't be written: file exists; give another --out"


def test_traceback_on_demand(monkeypatch):
    monkeypatch.setenv("SCALEWRIGHT_TRACEBACK", "1")
    outcome = call("derive", "--layers", "1")
    assert isinstance(outcome.exception, ValueError)


# exit status, folders, files


@pytest.mark.parametrize(
    ("outcomes", "status"),
    [
        (["pass", "pass"], 0),
        (["pass", "fail", "undecided"], 1),
        (["pass", "undecided"], 3),
        (["fail"], 1),
        (["undecided"], 3),
    ],
)
def test_exit_status(outcomes, status):
    assert frontdoor.exit_status(iter(outcomes)) == status


def test_folders_are_numbered(elsewhere):
    made = [frontdoor.output_folder("verify", None) for _ in range(2)]
    assert made == [Path("reports/verify-001"), Path("reports/verify-002")]
    (elsewhere / "reports" / "verify-041").mkdir()
    (elsewhere / "reports" / "verify-fast-900").mkdir()
    assert frontdoor.output_folder("verify", None) == Path("reports/verify-042")
    assert frontdoor.output_folder("reproduce-a", None) == Path("reports/reproduce-a-001")


def test_json_has_no_numbers_that_json_lacks():
    found = json.loads(frontdoor.to_json({"a": (1.0, float("nan")), "b": {2: -float("inf")}}))
    assert found == {"a": [1.0, None], "b": {"2": None}}


def test_text_is_written_whole_or_not_at_all(elsewhere, monkeypatch):
    """Fault injection: the disk fills up, or Ctrl-C strikes, after half of the text."""
    path = frontdoor.write_text(elsewhere / "a.json", "first")
    write = Path.write_bytes

    for fault in (OSError(28, "No space left on device"), KeyboardInterrupt()):

        def half(self, content, fault=fault):
            write(self, content[: len(content) // 2])
            raise fault

        with monkeypatch.context() as patched:
            patched.setattr(Path, "write_bytes", half)
            with pytest.raises(type(fault)):
                frontdoor.write_text(path, "second")
        assert [(p.name, p.read_text()) for p in elsewhere.iterdir()] == [("a.json", "first")]
    frontdoor.write_text(path, "second")
    assert path.read_text() == "second"


def tiny(value=1.0):
    return datasets.dataset({"loss": (("step",), np.array([value]))}, {"step": [0]})


def test_trajectory_is_saved_whole_or_not_at_all(elsewhere, monkeypatch):
    path = datasets.save(tiny(1.0), elsewhere / "a.nc")
    before = path.read_bytes()

    honest = Path.write_bytes

    def half(self, content):
        honest(self, content[: len(content) // 2])
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(Path, "write_bytes", half)
        with pytest.raises(KeyboardInterrupt):
            datasets.save(tiny(2.0), path)
    assert [p.name for p in elsewhere.iterdir()] == ["a.nc"]
    assert path.read_bytes() == before


# a run that is stopped and goes on


@dataclass
class Fake:
    """Two stages of which the second is stopped as long as `stop` stands, and how often each was begun."""

    stop: BaseException | None = None
    begun: list[str] = field(default_factory=list)
    outcome: float = 0.0

    def chain(self, sizes, device):
        return [Stage("first", lambda progress: self.run("first")), Stage("second", self.second)]

    def run(self, name):
        self.begun.append(name)
        return tiny(len(self.begun))

    def second(self, progress):
        progress(1, 2)
        found = self.run("second")
        if self.stop is not None:
            raise self.stop
        return found

    def judge(self, found):
        assert set(found) == {"first", "second"}
        return [judge("row", "a row", self.outcome, predicted=0.0, tolerance=1.0)]


@pytest.fixture
def fake(monkeypatch):
    """Replace the experiments of `verify` by two that take no time."""
    made = Fake()
    monkeypatch.setattr(runs, "_cores", lambda: 1)  # what is replaced in this process is not in a worker
    monkeypatch.setattr(catalogue, "chain", made.chain)
    monkeypatch.setattr(catalogue, "limits", lambda sizes: {})
    monkeypatch.setattr(catalogue, "judge_chain", made.judge)
    monkeypatch.setattr(catalogue, "draw_chain", lambda found, limits: {})
    monkeypatch.setattr(chain, "page", lambda *given: Page("A page", "", ()))
    return made


def half_files(folder):
    return [p for p in folder.rglob("*") if p.name.endswith(".part")]


def test_verify_json_is_nothing_but_json(fake, elsewhere):
    outcome = call("verify", "--json", "--device", "cpu")
    assert outcome.exit_code == 0
    found = json.loads(outcome.stdout)
    assert [row["verdict"] for row in found["verdicts"]] == ["pass"]
    assert found["report"] == "reports/verify-001/index.html"
    stored = json.loads((elsewhere / "reports/verify-001/verdicts.json").read_text())
    assert stored["verdicts"] == found["verdicts"]
    assert half_files(elsewhere) == []


@pytest.mark.parametrize(("value", "status"), [(0.0, 0), (2.0, 1), (float("nan"), 3)])
def test_verify_exits_by_its_verdicts(fake, value, status):
    fake.outcome = value
    assert call("verify", "--device", "cpu").exit_code == status


def test_interrupted_run_keeps_what_is_done_and_goes_on(fake, elsewhere):
    fake.stop = KeyboardInterrupt()
    outcome = call("verify", "--out", "mine", "--device", "cpu")
    assert outcome.exit_code == frontdoor.INTERRUPTED
    assert (
        "scalewright: interrupted; no half-written file is left. Finished stages are kept: "
        "run again with --out mine --resume to go on."
    ) in outcome.stderr
    assert sorted(p.name for p in (elsewhere / "mine").iterdir()) == [".scalewright", "first.nc", "key.json"]
    fake.stop = None
    assert call("verify", "--out", "mine", "--device", "cpu", "--resume").exit_code == 0
    assert fake.begun == ["first", "second", "second"]
    assert (elsewhere / "mine" / "index.html").exists()
    assert half_files(elsewhere) == []


def test_control_without_resume_every_stage_runs_again(fake):
    assert call("verify", "--out", "mine", "--device", "cpu").exit_code == 0
    assert call("verify", "--out", "mine", "--device", "cpu", "--force").exit_code == 0
    assert fake.begun == ["first", "second", "first", "second"]


def test_the_real_signal_is_an_interruption(fake):
    fake.second = lambda progress: signal.raise_signal(signal.SIGINT)
    assert call("verify", "--device", "cpu").exit_code == frontdoor.INTERRUPTED


def test_resume_refuses_another_scale(fake):
    assert call("verify", "--out", "mine", "--device", "cpu").exit_code == 0
    assert refused("verify", "--out", "mine", "--device", "cpu", "--resume", "--scale", "standard") == (
        "mine holds results of another scale, device or version of the code; give another folder"
    )


def test_failing_stage_is_one_sentence_and_keeps_the_rest(fake, elsewhere):
    fake.stop = OSError(28, "No space left on device", "mine/second.nc")
    outcome = call("verify", "--out", "mine", "--device", "cpu")
    assert outcome.exit_code == frontdoor.BAD_INPUT
    assert "scalewright: mine/second.nc: no space left on device" in outcome.stderr
    assert (elsewhere / "mine" / "first.nc").exists()


def test_a_killed_worker_is_an_interruption_and_says_how_to_go_on(fake):
    fake.stop = ChildProcessError("a worker was killed")
    outcome = call("verify", "--out", "mine", "--device", "cpu")
    assert outcome.exit_code == frontdoor.INTERRUPTED
    assert "scalewright: a worker was killed. Finished stages are kept: run again with" in outcome.stderr
    assert "--out mine --resume" in outcome.stderr


def test_rate_at_which_a_run_diverges_is_named_with_its_step(elsewhere):
    """A real run at 2.5 times the edge of stability: the first width stops it, only its key is written."""
    options = ("--linear-widths", "256,512", "--device", "cpu", "--workers", "1", "--out", "mine")
    outcome = call("verify", "--rate", "5", *options)
    assert outcome.exit_code == frontdoor.BAD_INPUT
    last = outcome.stderr.strip().splitlines()[-1]
    assert re.fullmatch(
        r"scalewright: a linear network of width 256 under mup diverged at step \d+; give a smaller rate",
        last,
    )
    assert sorted(path.name for path in (elsewhere / "mine").iterdir()) == [".scalewright", "key.json"]
