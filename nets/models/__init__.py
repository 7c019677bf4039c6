"""Build plain torch models without any scaling inside: a parametrization is put on them from outside."""

from scalewright.nets.models.activations import Activation
from scalewright.nets.models.batchnorm import BatchNormLayer, BatchNormMLP, batchnorm_mlp
from scalewright.nets.models.convnet import ConvNet, convnet
from scalewright.nets.models.gains import HasGains
from scalewright.nets.models.gpt import GPT, gpt
from scalewright.nets.models.mlp import MLP, mlp
from scalewright.nets.models.power import PowerMLP, power_mlp
from scalewright.nets.models.residual import ResidualNetwork, residual

__all__ = [
    "GPT",
    "MLP",
    "Activation",
    "BatchNormLayer",
    "BatchNormMLP",
    "ConvNet",
    "HasGains",
    "PowerMLP",
    "ResidualNetwork",
    "batchnorm_mlp",
    "convnet",
    "gpt",
    "mlp",
    "power_mlp",
    "residual",
]
