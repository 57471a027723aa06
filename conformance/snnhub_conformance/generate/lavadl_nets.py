"""The networks of ``importer.lava-dl``: those that live lava-dl and the engine run, and those that are refused."""

from __future__ import annotations

from snnhub_conformance.generate.lavadl_sources import Source

DENSE = "cuba.Dense(params(), 6, 6, weight_scale=2)"
PICTURE = (1, 4, 4)
RANGES = "shared_param=False, current_decay=(0.1, 0.9), voltage_decay=(0.02, 0.4)"
EXACT, READS = "SNN-3310", "SNN-3304"


def after(*blocks: str, **more: str) -> str:
    """A chain that begins with a dense block."""
    return f"chain({', '.join((DENSE, *blocks))})"


BLOCKS: dict[str, Source] = {
    "Dense": Source(after("cuba.Dense(params(threshold=0.75), 6, 4, weight_scale=2)"), findings=(EXACT, READS)),
    "Dense, weight_norm": Source("chain(cuba.Dense(params(), 6, 5, weight_norm=True), scale=1.5)"),
    "Dense, mask": Source("chain(cuba.Dense(params(), 6, 5, mask=grid(5, 6) > 0, weight_scale=2))"),
    "Dense, ends of 8 bits": Source(
        "chain(cuba.Dense(params(threshold=6.0), 6, 5, weight_scale=8), scale=4.0)", findings=(EXACT,)
    ),
    "Dense, delay": Source(
        f"chain(late(cuba.Dense(params(), 6, 6, delay=True), 6), {DENSE})", findings=("SNN-3309",)
    ),
    "Dense, delay_shift=False": Source(
        f"chain(late(cuba.Dense(params(), 6, 6, delay=True, delay_shift=False), 6), {DENSE})"
    ),
    "Conv": Source(
        "chain(cuba.Conv(params(), 1, 2, 3, padding=1, stride=2), cuba.Flatten(), "
        "cuba.Dense(params(), 8, 4), scale=2.0)",
        PICTURE,
    ),
    "Conv, groups, dilation": Source(
        "chain(cuba.Conv(params(), 2, 4, 2, groups=2, dilation=2), scale=3.0)", (2, 4, 4)
    ),
    "Conv, delay": Source(
        "chain(late(cuba.Conv(params(), 1, 3, 2, delay=True), 3, 20), cuba.Flatten(), "
        "cuba.Dense(params(), 27, 4))",
        PICTURE,
        ("SNN-3309",),
    ),
    "Pool": Source("chain(cuba.Pool(params(), 2, weight_scale=0.5))", PICTURE),
    "Pool, windows that do not fit": Source(
        "chain(cuba.Pool(params(threshold=2.0), 3, stride=1, padding=1), cuba.Flatten())", (2, 4, 5)
    ),
    "Unpool": Source("chain(cuba.Unpool(params(), 2, weight_scale=2))", (2, 2, 2)),
    "ConvT": Source("chain(cuba.ConvT(params(), 1, 2, 2), cuba.ConvT(params(), 2, 1, 2))", PICTURE),
    "Average": Source(after("cuba.Average(3)")),
    "Affine": Source(after("cuba.Affine(params(), 6, 3)")),
    "Input": Source("chain(cuba.Input(params(), weight=0.75, bias=0.125), " + DENSE + ")", analog=True),
    "Recurrent": Source(after("cuba.Recurrent(params(), 6, 6)", DENSE)),
    "KWTA": Source(after("cuba.KWTA(params(), 6, 6, 2)")),
    "TimeDecimation at the end": Source(after("cuba.TimeDecimation(4)"), findings=("SNN-3305",)),
    "mean over time": Source(f"mean({DENSE}, {DENSE})", findings=("SNN-3305",)),
    "network that has run": Source(f"used({after('cuba.Recurrent(params(), 6, 6)')}, 6)", findings=("SNN-3312",)),
    "bootstrap": Source(
        "moded(bootstrap.block.cuba.Dense(params(), 6, 6), bootstrap.block.cuba.Dense(params(), 6, 6, "
        "weight_norm=True, delay_shift=True), bootstrap.block.cuba.Affine(params(), 6, 3), scale=1.5)",
        findings=("SNN-3313",),
    ),
}
"""One per block and option of a block."""
NEURONS: dict[str, Source] = {
    "CUBA, no leak": Source(
        "chain(cuba.Dense(params(current_decay=1.0, voltage_decay=0.0), 6, 5), cuba.Dense(params(), 5, 4))"
    ),
    "CUBA, decays per channel": Source(f"chain(cuba.Dense(params({RANGES}), 6, 6))", findings=(READS,)),
    "CUBA, graded": Source(f"chain(cuba.Dense(params(graded_spike=True), 6, 6), {DENSE})"),
    "CUBA, MeanOnlyBatchNorm": Source(
        f"chain(normed(cuba.Dense(params(norm=norms.MeanOnlyBatchNorm), 6, 6), 6), {DENSE})"
    ),
    "CUBA, WgtScaleBatchNorm": Source(
        f"chain(normed(cuba.Dense(params(norm=norms.WgtScaleBatchNorm), 6, 6), 6, 3), {DENSE})"
    ),
    "CUBA, MeanOnlyBatchNorm, recurrent": Source(
        after("normed(cuba.Recurrent(params(norm=norms.MeanOnlyBatchNorm), 6, 6), 6)")
    ),
    "CUBA, threshold 64": Source(
        "chain(cuba.Dense(params(threshold=64.0, current_decay=1.0, voltage_decay=0.0), 12, 5), scale=6.0)",
        (12,),
        findings=("SNN-3307 blocks/0",),
        landmine=2,
    ),
    "CUBA, drop-out": Source(f"chain(cuba.Dense(params(dropout=slayer.neuron.Dropout(0.5)), 6, 6), {DENSE})"),
    "CUBA, decays that are clamped": Source("chain(beyond(cuba.Dense(params(requires_grad=True), 6, 5)))"),
    "CUBA, persistent state": Source(
        f"chain({DENSE}, cuba.Dense(params(persistent_state=True), 6, 6))", findings=("SNN-3327 blocks/1",)
    ),
    "ALIF": Source("chain(alif.Dense(adapting(**params()), 6, 6), alif.Dense(adapting(**params()), 6, 5))"),
    "RF": Source("chain(rf.Dense(turning(), 6, 6), rf.Dense(turning(), 6, 5))"),
    "RF Izhikevich": Source("chain(rf_iz.Dense(turning(), 6, 6), rf_iz.Dense(turning(), 6, 5))"),
    "AdRF": Source("chain(adrf.Dense(adapting(**turning()), 6, 6), adrf.Dense(adapting(**turning()), 6, 5))"),
    "sigma-delta": Source(
        "chain(sigma_delta.Input(relu()), sigma_delta.Dense(relu(), 6, 6), sigma_delta.Output(relu(), 6, 4))",
        analog=True,
    ),
}
"""One per neuron and option of a neuron."""
IMPORTED: dict[str, Source] = {
    "weights that are not quantised": Source(
        "chain(cuba.Dense(params(), 6, 5, pre_hook_fx=None), scale=1 / 3)", findings=("SNN-3311",)
    ),
}
"""Those that are imported and not run: torch adds in an order of its own."""
REFUSED: dict[str, Source] = {
    "no block": Source("torch.nn.Linear(6, 6)", refused=("SNN-3301", "Linear")),
    "block with a forward of its own": Source(f"chain({DENSE}, own())", refused=("SNN-3301", "blocks/1")),
    "no chain": Source(
        f"twice({DENSE}, {DENSE}, {DENSE}, {DENSE})",
        findings=("SNN-3302 blocks/2", "SNN-3302 blocks/3"),
        refused=("SNN-3302", "blocks/1"),
    ),
    "TimeDecimation in the middle": Source(
        after("cuba.TimeDecimation(4)", DENSE), refused=("SNN-3303", "blocks/1")
    ),
    "blocks that count their events": Source(
        "chain(cuba.Dense(params(), 6, 6, count_log=True))", refused=("SNN-3317", "blocks/0")
    ),
    "delay of 80 steps": Source(
        f"chain(unclamped(late(cuba.Dense(params(), 6, 6, delay=True), 6)), {DENSE})",
        refused=("SNN-3306", "blocks/0"),
    ),
    "decays per channel along another axis": Source(
        f"chain(cuba.Conv(params({RANGES}), 1, 3, 2))", PICTURE, refused=("SNN-3323", "blocks/0")
    ),
    "scale 32": Source(f"chain({DENSE}, cuba.Dense(params(scale=32), 6, 6))", refused=("SNN-3320", "blocks/1")),
    "norm of the user's own": Source(
        "chain(cuba.Dense(params(norm=other), 6, 6))", refused=("SNN-3321", "blocks/0")
    ),
    "threshold below 0": Source(
        "chain(cuba.Dense(params(threshold=-1.5), 6, 6))", refused=("SNN-3325", "blocks/0")
    ),
    "bootstrap in the mode ann": Source(
        "moded(bootstrap.block.cuba.Dense(params(), 6, 6))", refused=("SNN-3313", "mode"), options={"mode": "ann"}
    ),
    "bootstrap in the mode fit": Source(
        "moded(bootstrap.block.cuba.Dense(params(), 6, 6))", refused=("SNN-3313", "mode"), options={"mode": "fit"}
    ),
    "bootstrap in the mode sample": Source(
        "moded(bootstrap.block.cuba.Dense(params(), 6, 6))",
        refused=("SNN-3313", "mode"),
        options={"mode": "sample"},
    ),
}
"""Each with the first code and place; ``findings`` are in the same report."""
