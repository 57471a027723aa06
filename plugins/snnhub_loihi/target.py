"""Loihi as data: which ops it runs, and its limits with a source for each number."""

from __future__ import annotations

from snnhub.api.target import Limit, Reach, TargetSpec

LAVA = "lava-nc 0.10.0, proc/lif/models.py (PyLifModelBitAcc)"
SDN = "lava-nc 0.10.0, proc/sdn/models.py: states and vth have 24 bits, and hold this times 4096"
RF = "lava-nc 0.10.0, proc/rf/models.py (AbstractPyRFModelFixed)"
RESONATORS = ("loihi.RF", "loihi.RFIzhikevich")


def spec() -> TargetSpec:
    """The allow-list and the limits."""
    return TargetSpec(
        name="loihi2",
        ops={
            "loihi.CubaLIF": (1,),
            "loihi.Delta": (1,),
            "loihi.SigmaDelta": (1,),
            "loihi.Sigma": (1,),
            **dict.fromkeys(RESONATORS, (1,)),
            "core.Dense": (1,),
            "core.Conv": (1,),
            "core.Flatten": (1,),
        },
        limits=(
            Limit("loihi.CubaLIF", "iDecay", 0, 4096, "lava-dl 0.6.0, netx/hdf5.py: du = iDecay - 1 in 12 bits"),
            Limit("loihi.CubaLIF", "vDecay", 0, 4096, LAVA),
            Limit("loihi.CubaLIF", "vThMant", 0, 2**17 - 1, f"{LAVA}: vth has 17 bits"),
            Limit("loihi.CubaLIF", "bias", -(2**12), 2**12 - 1, f"{LAVA}: bias_mant has 13 bits"),
            Limit("loihi.Delta", "vThMant", 0, 2**11 - 1, SDN),
            Limit("loihi.SigmaDelta", "vThMant", 0, 2**11 - 1, SDN),
            Limit("loihi.SigmaDelta", "bias", -(2**11), 2**11 - 1, SDN),
            *(limit for op in RESONATORS for limit in _resonator(op)),
            Limit("core.Dense", "weight", -256, 254, "lava-dl 0.6.0, netx/utils.py: optimize_weight_bits"),
            Limit("core.Conv", "weight", -256, 254, "lava-dl 0.6.0, synapse quantisation: 8 bits, even"),
        ),
        integer_synapses=("core.Dense", "core.Conv"),
        synapse_delay=1,
        reaches=(
            Reach("loihi.CubaLIF", "v", "s", 1 - 2**23, 2**23 - 1, f"{LAVA}: v saturates at 24 bits"),
            *(
                Reach(op, part, "s", 1 - 2**23, 2**23 - 1, f"{RF}: real and imag saturate at 24 bits")
                for op in RESONATORS
                for part in ("real", "imag")
            ),
        ),
    )


def _resonator(op: str) -> tuple[Limit, ...]:
    """Limits of one kind of resonators."""
    decays = "lava-dl 0.6.0, slayer/neuron/rf.py (clamp): the gain stays below 4096, of 4096"
    return (
        Limit(op, "sinDecay", -4096, 4096, decays),
        Limit(op, "cosDecay", -4096, 4096, decays),
        Limit(op, "vThMant", 0, 2**17 - 1, f"{RF}: vth, 64 times as large, has 24 bits"),
    )
