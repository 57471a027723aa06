"""Networks of sinabs by factory, as its users write them. Imported in the environment that has sinabs."""

import random
from typing import Any

import torch
from sinabs import activation
from sinabs import layers as sl
from sinabs.from_torch import from_model
from sinabs.layers.alif import ALIFSqueeze
from torch import nn

ONE = torch.tensor(1.0)


def squeeze(steps: int = 6, made: int = 0, seed: int = 0) -> nn.Module:
    """Convolutions and Squeeze layers, one after the other: input (N*T, 2, 12, 12)."""
    torch.manual_seed(seed)
    time: dict[str, Any] = {"batch_size": made} if made else {"num_timesteps": steps}
    return nn.Sequential(
        nn.Conv2d(2, 6, 3, bias=False),
        sl.IAFSqueeze(spike_threshold=torch.tensor(0.5), min_v_mem=-0.5, **time),
        sl.SumPool2d(2),
        nn.Conv2d(6, 8, 3, padding=1),
        sl.LIFSqueeze(tau_mem=10.0, spike_fn=activation.SingleSpike, norm_input=False, **time),
        nn.AvgPool2d(2, ceil_mode=True),
        nn.Dropout2d(0.3),
        nn.Flatten(),
        nn.Linear(72, 10),
        sl.IAFSqueeze(spike_fn=activation.MaxSpike(3), reset_fn=activation.MembraneReset(), **time),
    )


def converted(steps: int = 6, wrapped: bool = True, seed: int = 0) -> nn.Module:
    """A network of ReLUs, by ``from_model``."""
    torch.manual_seed(seed)
    ann = nn.Sequential(
        nn.Conv2d(2, 4, 3), nn.ReLU(), nn.AvgPool2d(2), nn.Flatten(), nn.Linear(100, 8), sl.NeuromorphicReLU()
    )
    net = from_model(ann, input_shape=(2, 12, 12), num_timesteps=steps, min_v_mem=-1.0, add_spiking_output=False)
    return net if wrapped else net.spiking_model


class Residual(nn.Module):
    """A branch around a layer, joined by ``Merge``; smaller maps are padded by it."""

    def __init__(self, steps: int, cropped: bool) -> None:
        super().__init__()
        self.stem = nn.Conv2d(2, 4, 3, padding=1)
        self.first = sl.IAFSqueeze(num_timesteps=steps, min_v_mem=-1.0)
        self.branch = nn.Conv2d(4, 4, 3, padding=0 if cropped else 1)
        self.second = sl.IAFSqueeze(num_timesteps=steps, min_v_mem=-1.0)
        self.merge = sl.Merge()
        self.head = nn.Sequential(sl.Cropping2dLayer(((1, 2), (0, 3))), nn.Flatten(), nn.Linear(4 * 9 * 9, 5))
        self.out = sl.LIFSqueeze(tau_mem=20.0, tau_syn=5.0, num_timesteps=steps)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        spikes = self.first(self.stem(x))
        merged = self.merge(spikes, self.second(self.branch(spikes)))
        out: torch.Tensor = self.out(self.head(merged))
        return out


def residual(steps: int = 6, cropped: bool = False, seed: int = 0) -> nn.Module:
    torch.manual_seed(seed)
    return Residual(steps, cropped)


def batch_first(seed: int = 0) -> nn.Module:
    """Layers that take (N, T, features…), recurrent and adaptive ones among them."""
    torch.manual_seed(seed)
    recurrent = nn.Sequential(nn.Flatten(), nn.Linear(16, 16))
    return nn.Sequential(
        nn.Linear(12, 16),
        sl.LIF(tau_mem=torch.linspace(2.0, 30.0, 16), tau_syn=4.0, norm_input=False),
        nn.Linear(16, 16, bias=False),
        sl.LIFRecurrent(tau_mem=12.0, rec_connect=recurrent, norm_input=False, min_v_mem=-0.6),
        sl.ALIF(tau_mem=9.0, tau_adapt=20.0, adapt_scale=0.7, norm_input=False),
        nn.Linear(16, 6),
        sl.ExpLeak(tau_mem=15.0, min_v_mem=-0.2),
    )


def repeated(samples: int = 3, seed: int = 0) -> nn.Module:
    """Spatial layers on (N, T, …) by ``Repeat``, and axes merged and split by hand."""
    torch.manual_seed(seed)
    return nn.Sequential(
        sl.Repeat(nn.Conv2d(2, 4, 3)),
        sl.IAF(min_v_mem=-1.0),
        sl.Repeat(nn.Sequential(sl.SumPool2d(2), sl.ChannelShift(1))),
        sl.FlattenTime(),
        nn.Flatten(),
        nn.Linear(125, 7),
        sl.UnflattenTime(batch_size=samples),
        sl.IAFRecurrent(rec_connect=nn.Linear(7, 7, bias=False)),
    )


SPIKES = (
    activation.MultiSpike,
    activation.SingleSpike,
    activation.MaxSpike(2),
    activation.MaxSpike(),
)
RESETS = (
    activation.MembraneSubtract(),
    activation.MembraneSubtract(0.4),
    activation.MembraneReset(),
    activation.MembraneReset(0.1),
)
CLASSES: dict[str, Any] = {
    **{
        name: getattr(sl, name) for name in ("LIF", "IAF", "LIFRecurrent", "IAFRecurrent", "ALIF", "ALIFRecurrent")
    },
    **{name: getattr(sl, name) for name in ("LIFSqueeze", "IAFSqueeze", "ExpLeak", "ExpLeakSqueeze")},
    "ALIFSqueeze": ALIFSqueeze,
}


def settings(kind: str, draw: random.Random, size: int) -> dict[str, Any]:
    """Keywords for a layer of ``size`` neurons, of every kind that a constructor takes."""
    spread = torch.linspace(0.3, 1.9, size)
    given: dict[str, Any] = {"min_v_mem": draw.choice([None, -1.0, -0.3, 0.0, -spread])}
    if "IAF" not in kind:
        given["tau_mem"] = draw.choice([5.0, 20.0, 9 * spread, torch.tensor(3.3, dtype=torch.float64)])
        given |= {"norm_input": draw.random() < 0.5, "train_alphas": draw.random() < 0.4}
    if kind.startswith("ExpLeak"):
        return given
    given |= {
        "spike_fn": draw.choice(SPIKES),
        "reset_fn": draw.choice(RESETS),
        "tau_syn": draw.choice([None, 4.0]),
    }
    given["spike_threshold"] = draw.choice(
        [ONE, torch.tensor(0.7), spread, torch.tensor(0.9, dtype=torch.float64)]
    )
    if kind.startswith("ALIF"):
        given["tau_adapt"], given["adapt_scale"] = draw.choice([10.0, 8 * spread]), draw.choice([1.8, 0.5, spread])
    elif draw.random() < 0.1:
        given["spike_fn"] = None
    if kind.endswith("Recurrent"):
        linear = nn.Linear(size, size, bias=draw.random() < 0.5)
        given["rec_connect"] = draw.choice([linear, nn.Sequential(nn.Flatten(), linear)])
    return given


class Many(nn.Module):
    """Layers side by side, all on the same input; what they put out is added up."""

    def __init__(self, layers: list[nn.Module], samples: int) -> None:
        super().__init__()
        self.layers = nn.ModuleList(layers)
        self.samples = samples

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        total = torch.zeros(())
        for number, layer in enumerate(self.layers):
            y = layer(x)
            total = y if number == 0 else total + y
        return total


def neurons(kind: str = "LIF", count: int = 12, seed: int = 0, size: int = 6) -> nn.Module:
    """``count`` layers of one class with settings drawn at random."""
    torch.manual_seed(seed)
    draw = random.Random(f"{kind} {seed}")  # noqa: S311  any numbers will do, the same each time
    time = {"num_timesteps": 16} if kind.endswith("Squeeze") else {}
    return Many([CLASSES[kind](**settings(kind, draw, size), **time) for _ in range(count)], 0)


def unheld() -> nn.Module:
    """Everything that is refused, for its own reason each."""
    return nn.Sequential(
        sl.IAFSqueeze(spike_fn=_Own, num_timesteps=4),
        sl.IAFSqueeze(reset_fn=lambda spikes, state, threshold: state, num_timesteps=4),
        sl.IAFSqueeze(spike_fn=activation.MaxSpike(2.5), num_timesteps=4),
        sl.IAFSqueeze(spike_threshold=torch.full((6,), 0.5, dtype=torch.float64), num_timesteps=4),
        sl.IAFSqueeze(spike_threshold=torch.tensor(-1.0), num_timesteps=4),
        sl.SpikingMaxPooling2dLayer((2, 2)),
        sl.IAFRecurrent(rec_connect=nn.Sequential(nn.Linear(6, 6), nn.BatchNorm1d(6))),
        sl.IAFRecurrent(rec_connect=nn.GRUCell(6, 6)),
    )


def dense(seed: int = 0) -> nn.Module:
    """What sinabs' NIR importer knows: an integrator, a leaky neuron, and a leak that does not spike."""
    torch.manual_seed(seed)
    time: dict[str, Any] = {"num_timesteps": 16}
    return nn.Sequential(
        nn.Linear(6, 20),
        sl.IAFSqueeze(spike_threshold=torch.tensor(0.7), min_v_mem=-0.7, **time),
        nn.Linear(20, 8, bias=False),
        sl.LIFSqueeze(tau_mem=7.0, norm_input=False, spike_threshold=torch.tensor(0.3), **time),
        nn.Linear(8, 4),
        sl.ExpLeakSqueeze(tau_mem=4.0, **time),
    )


class _Own(activation.SingleSpike):
    """A spike function of the user's own."""


def hard(steps: int = 6, tau: float = 0.0, seed: int = 0) -> nn.Module:
    """Layers that spike once per step and reset to 0: Loihi's neurons, too."""
    torch.manual_seed(seed)
    kind: dict[str, Any] = {"spike_fn": activation.SingleSpike, "reset_fn": activation.MembraneReset()}
    kind |= {"num_timesteps": steps, "spike_threshold": torch.tensor(0.4)}

    def layer() -> nn.Module:
        made: nn.Module = sl.LIFSqueeze(tau_mem=tau, norm_input=False, **kind) if tau else sl.IAFSqueeze(**kind)
        return made

    return nn.Sequential(
        nn.Conv2d(2, 8, 3, bias=False),
        layer(),
        nn.Conv2d(8, 8, 3, stride=2, bias=False),
        layer(),
        nn.Flatten(),
        nn.Linear(128, 10, bias=False),
        layer(),
    )
