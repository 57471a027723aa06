"""Networks that SpikingJelly ships, with weights drawn so that every layer fires.

SpikingJelly's models need torchvision for one function that downloads weights. Where torchvision is missing or
broken, a stand-in of that one function lets them be imported.
"""

from __future__ import annotations

import importlib
import sys
from types import ModuleType
from typing import Any

import torch
from spikingjelly.activation_based import functional, layer, neuron
from torch import nn

STAND_IN = "torchvision._internally_replaced_utils"
MODELS = "spikingjelly.activation_based.model."


def model(name: str) -> Any:
    """A module of SpikingJelly's models, imported without torchvision if need be."""
    if MODELS + name in sys.modules:
        return sys.modules[MODELS + name]
    try:
        importlib.import_module("torchvision")
    except (ImportError, RuntimeError):  # a build for another torch fails with RuntimeError
        return _import_without_torchvision(MODELS + name)
    return importlib.import_module(MODELS + name)


def _import_without_torchvision(name: str) -> Any:
    def load_state_dict_from_url(*args: Any, **kwargs: Any) -> Any:
        raise RuntimeError("nothing is downloaded in tests")

    stand_in = ModuleType(STAND_IN)
    stand_in.load_state_dict_from_url = load_state_dict_from_url  # type: ignore[attr-defined]
    sys.modules |= {"torchvision": ModuleType("torchvision"), STAND_IN: stand_in}
    try:
        return importlib.import_module(name)
    finally:
        del sys.modules["torchvision"], sys.modules[STAND_IN]


def lively(net: nn.Module, shape: tuple[int, ...], seed: int = 5) -> nn.Module:
    """``net`` in multi-step mode, its weights scaled layer by layer so that currents spread around the threshold.

    Batch statistics are drawn, so that folding or dropping them would show.
    """
    torch.manual_seed(seed)
    functional.set_step_mode(net, "m")
    for module in net.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.running_mean = torch.randn(module.num_features) * 0.1
            module.running_var = torch.rand(module.num_features) + 0.5
            nn.init.uniform_(module.weight, 0.8, 1.6)
            nn.init.uniform_(module.bias, -0.2, 0.2)
    hooks = [
        module.register_forward_hook(_scale)
        for module in net.modules()
        if isinstance(module, nn.Conv2d | nn.Linear)
    ]
    training = net.training
    net.eval()
    with torch.no_grad():
        net(torch.rand(2, 2, *shape))
    for hook in hooks:
        hook.remove()
    functional.reset_net(net)
    return net.train(training)


def _scale(module: Any, args: Any, output: Any) -> Any:
    spread = float(output.std())
    module.weight.data /= spread
    if module.bias is not None:
        module.bias.data /= spread
    return output / spread


def sew_resnet18(cnf: str = "ADD", classes: int = 10, leaky: bool = False) -> nn.Module:
    """SEW-ResNet18 as SpikingJelly builds it."""
    torch.manual_seed(1)
    cells = neuron.LIFNode if leaky else neuron.IFNode
    net = model("sew_resnet").sew_resnet18(cnf=cnf, spiking_neuron=cells, num_classes=classes)
    return lively(net, (3, 32, 32))


def small_vgg11(norm: bool = False, classes: int = 10) -> nn.Module:
    """Spiking VGG11 with the head that is used for images of 32 x 32 pixels (one pooled pixel, a dense layer of
    512) in place of ImageNet's, which has 120 million weights.
    """
    zoo = model("spiking_vgg")
    net = nn.Module.__new__(zoo.SpikingVGG)
    nn.Module.__init__(net)
    net.features = zoo.SpikingVGG.make_layers(zoo.cfgs["A"], norm, neuron=neuron.IFNode)
    net.avgpool = layer.AdaptiveAvgPool2d((1, 1))
    net.classifier = nn.Sequential(
        layer.Linear(512, 512), neuron.IFNode(), layer.Dropout(), layer.Linear(512, classes)
    )
    net._initialize_weights()
    functional.set_step_mode(net, "m")
    return net


def vgg11(norm: bool = False) -> nn.Module:
    """``small_vgg11`` with weights that make every layer fire."""
    torch.manual_seed(1)
    return lively(small_vgg11(norm), (3, 32, 32))


def vgg11_for_imagenet(norm: bool = False) -> nn.Module:
    """Spiking VGG11 as SpikingJelly builds it: 7 x 7 pixels before the head, whatever the image."""
    torch.manual_seed(1)
    zoo = model("spiking_vgg")
    build = zoo.spiking_vgg11_bn if norm else zoo.spiking_vgg11
    return lively(build(spiking_neuron=neuron.IFNode, num_classes=10), (3, 32, 32))
