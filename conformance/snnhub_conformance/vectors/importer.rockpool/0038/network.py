"""SynNet, p_dropout, caps."""


def grid(*shape):
    """Weights of -3/8 .. 5/8."""
    import torch

    count = torch.arange(torch.Size(shape).numel()).reshape(shape)
    return ((count * 7 + 3) % 9 - 3) / 8


def synnet(**given):
    from rockpool.nn.modules import LinearTorch
    from rockpool.nn.networks import SynNet

    net = SynNet(n_classes=3, n_channels=4, size_hidden_layers=[6], time_constants_per_layer=[2], **given)
    for layer in net.seq.modules().values():
        if isinstance(layer, LinearTorch):
            layer.weight.data = grid(*layer.shape)
    return net


def network():
    return synnet(p_dropout=0.5, max_spikes_per_dt=3)
