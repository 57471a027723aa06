"""Overwritten in place."""


def on_grid(net, mode):
    """Weights and biases of -3/8 .. 5/8, norms that divide by a half."""
    import torch
    from spikingjelly.activation_based import functional
    from torch import nn

    for module in net.modules():
        if isinstance(module, nn.modules.batchnorm._BatchNorm) and module.track_running_stats:
            module.running_mean = torch.full_like(module.running_mean, 0.25)
            module.running_var = torch.full_like(module.running_var, 0.25 - module.eps)
            if module.affine:
                nn.init.constant_(module.bias, 0.125)
        elif isinstance(module, (nn.Conv1d, nn.Conv2d, nn.Conv3d, nn.Linear)):
            for parameter in module.parameters(recurse=False):
                count = torch.arange(parameter.numel()).reshape(parameter.shape)
                parameter.data = ((count * 7 + 3) % 9 - 3) / 8
    functional.set_step_mode(net, mode)
    return net.eval()


def network():
    from spikingjelly.activation_based import layer
    from spikingjelly.activation_based import neuron
    from torch import nn

    class Network(nn.Module):
        def __init__(self):
            super().__init__()
            self.n0, self.n1 = neuron.IFNode(), neuron.LIFNode()
            self.fc = layer.Linear(4, 4)

        def forward(self, x):
            a, b = self.n0(x), self.n1(x)
            return a.add_(b) + a

    return on_grid(Network(), "m")
