"""The options by which `derive`, `explain`, `profile` and `edges` name a network, and what they stand for."""

import inspect
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, get_args

import typer
from typer.models import ArgumentInfo

if TYPE_CHECKING:
    from scalewright.theory import Alignment, Architecture, Parametrization

BUILDERS = ("mlp", "convnet", "resnet", "vit", "gpt", "moe", "lora", "autoencoder")
LOSSES = {"ce": "cross-entropy", "mse": "squared"}


@dataclass(frozen=True)
class Network:
    """What the options of one call say: every field is an option of the command line."""

    arch: Annotated[
        str, typer.Option(help=f"{', '.join(BUILDERS)}, or a JSON file written by Architecture.to_json.")
    ] = "mlp"
    layers: Annotated[int | None, typer.Option(help="Weight layers (mlp, convnet; of a branch: resnet).")] = (
        None
    )
    activation: Annotated[str | None, typer.Option(help="Activation: linear, relu, tanh, gelu, ...")] = None
    bias: Annotated[bool, typer.Option("--bias", help="Give linear maps a bias.")] = False
    loss: Annotated[str | None, typer.Option(help="squared (mse), cross-entropy (ce) or brier.")] = None
    given: Annotated[
        list[str] | None,
        typer.Option(
            "--with", metavar="KEY=VALUE", help="Another argument of the builder, such as tied=true."
        ),
    ] = None
    optimizer: Annotated[
        str, typer.Option(help="sgd, momentum, adam, adamw, lion, adafactor, muon, muon+adamw, ...")
    ] = "sgd"
    name: Annotated[
        str | None,
        typer.Option(
            "--parametrization",
            help="sp, ntp, mean-field, mup, depth-mup, completep or sp-full-align; "
            "without it muP without multipliers.",
        ),
    ] = None
    axes: Annotated[
        str | None, typer.Option(help="Growing axes, comma separated, in the order in which they grow.")
    ] = None
    ray: Annotated[
        str | None, typer.Option(help="Other sizes as powers of the one axis, such as depth=1/2.")
    ] = None
    require: Annotated[
        str | None, typer.Option(help="Requirements by name, comma separated, in place of those of muP.")
    ] = None
    gauge: Annotated[
        str | None,
        typer.Option(help="no-multipliers, output-multiplier, unit-variance (ntk), tensor-programs-4."),
    ] = None
    grow: Annotated[
        str | None,
        typer.Option(help="Fixed sizes that grow as powers of the width: outputs=1 is a large vocabulary."),
    ] = None
    readout_alignment: Annotated[
        str | None,
        typer.Option(
            help="How the initial readout passes on changes: 1 (aligned, default) or 1/2 (independent)."
        ),
    ] = None

    def architecture(self) -> "Architecture":
        """Return the architecture that the options name.

        Raises:
            ValueError: neither a builder nor a .json file, a file of another schema, or an unknown argument.
            OSError: a file that can't be read.
        """
        from scalewright import theory

        found = self._named_architecture()
        if self.grow is None:
            return found
        return theory.grown(found, {k: str(v) for k, v in pairs("--grow", self.grow.split(",")).items()})

    @property
    def alignment(self) -> "Alignment | None":
        """How sums over the fan-in add up, as `theory` takes it; None for its default."""
        from scalewright.theory import Alignment

        return None if self.readout_alignment is None else Alignment(narrow=self.readout_alignment)  # type: ignore[arg-type]

    def _named_architecture(self) -> "Architecture":
        from scalewright import theory

        if self.arch in BUILDERS:
            return _built(self.arch, getattr(theory, self.arch), self._arguments())
        path = Path(self.arch)
        if path.suffix != ".json":
            raise ValueError(
                f"--arch must be one of {', '.join(BUILDERS)} or a .json file; given {self.arch!r}"
            )
        if arguments := self._arguments():
            given = ", ".join(arguments)
            raise ValueError(f"--arch {self.arch} is a file, which says all of the network; given {given}")
        return theory.Architecture.from_json(path.read_text(encoding="utf-8"))

    def _arguments(self) -> dict[str, Any]:
        chosen = {"layers": self.layers, "activation": self.activation, "loss": self.loss_kind}
        found = {key: value for key, value in chosen.items() if value is not None}
        if self.bias:
            found["bias"] = True
        return found | pairs("--with", self.given)

    @property
    def loss_kind(self) -> str | None:
        """The loss by its full name, as `theory` takes it; None without the option."""
        return LOSSES.get(self.loss or "", self.loss)

    def parametrization(self, graph: "Architecture | None" = None) -> "Parametrization":
        """Derive the named parametrization, or what is required, and state it in the asked gauge.

        Raises:
            ValueError: options that exclude each other, or whatever `derive` refuses.
        """
        from scalewright.theory import derive, named

        graph = graph or self.architecture()
        if self.name is not None:
            self._check_alone()
            found = named(graph, self.name, self.optimizer, alignment=self.alignment)
        else:
            require = None if self.require is None else [item.strip() for item in self.require.split(",")]
            ray = None if self.ray is None else pairs("--ray", self.ray.split(","))
            axes = tuple(axis.strip() for axis in (self.axes or "width").split(","))
            found = derive(graph, self.optimizer, axes, require, ray=ray, alignment=self.alignment)
        return found if self.gauge is None else found.in_gauge(self.gauge)

    def _check_alone(self) -> None:
        for option in ("axes", "ray", "require"):
            value = getattr(self, option)
            if value is not None:
                raise ValueError(
                    f"--parametrization {self.name} says what is required and on which axes; "
                    f"given --{option} {value}"
                )

    def refuse(self, *options: str) -> None:
        """Raise ValueError if an option was given that means nothing to the command."""
        for option in options:
            if getattr(self, option) is not None:
                raise ValueError(f"--{option} means nothing here; given {getattr(self, option)}")


def _built(name: str, build: Callable[..., "Architecture"], arguments: Mapping[str, Any]) -> "Architecture":
    accepted = list(inspect.signature(build).parameters)
    for key in arguments:
        if key not in accepted:
            raise ValueError(f"--arch {name} takes {', '.join(accepted)}; given {key!r}")
    return build(**arguments)


def pairs(option: str, given: list[str] | None) -> dict[str, Any]:
    """Return what KEY=VALUE texts say; true, false and integers are read as such. ValueError for others."""
    found: dict[str, Any] = {}
    for text in given or ():
        key, equals, value = text.partition("=")
        if not equals or not key or not value:
            raise ValueError(f"{option} must be given as KEY=VALUE; given {text!r}")
        found[key.strip()] = _plain(value.strip())
    return found


def _plain(text: str) -> Any:
    try:
        value = json.loads(text)
    except ValueError:
        return text
    return value if isinstance(value, bool | int) else text


def with_network(command: Callable[..., None]) -> Callable[..., None]:
    """Return a command whose parameter `network: Network` is replaced by one option for each field."""
    signature = inspect.signature(command)

    def wrapped(**given: Any) -> None:
        network = Network(**{field.name: given.pop(field.name) for field in fields(Network)})
        command(network=network, **given)

    options = [
        inspect.Parameter(f.name, inspect.Parameter.KEYWORD_ONLY, default=f.default, annotation=f.type)
        for f in fields(Network)
    ]
    own = [p for p in signature.parameters.values() if p.name != "network"]
    kept = [p.replace(kind=inspect.Parameter.KEYWORD_ONLY) for p in own]
    arguments = [p for p in kept if any(isinstance(item, ArgumentInfo) for item in get_args(p.annotation))]
    rest = [p for p in kept if p not in arguments]
    signature = signature.replace(parameters=[*arguments, *options, *rest])
    wrapped.__signature__ = signature  # type: ignore[attr-defined]
    wrapped.__doc__ = command.__doc__
    return wrapped
