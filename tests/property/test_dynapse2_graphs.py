"""Random graphs of analog neurons: what is written is read, and the file does what the quantised network does."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from tempfile import TemporaryDirectory

import snnhub
from hypothesis import given, settings
from hypothesis import strategies as st
from snnhub.ops.registry import REGISTRY
from snnhub_dynapse2.decode import decode
from snnhub_dynapse2.document import write
from snnhub_dynapse2.lowered.fixed import fixed
from snnhub_dynapse2.reader import read
from snnhub_formats import container

from tests.networks.dynapse2_graphs import random_graph


@settings(max_examples=12, deadline=None)
@given(st.integers(0, 10**6), st.sampled_from(["off", "auto"]), st.sampled_from(["output", "all"]))
def test_read_is_the_inverse_of_write(seed: int, split: str, monitor: str) -> None:
    """The lowered graph comes back, and the decoder finds its synapses, nothing extra."""
    graph = random_graph(seed)
    with TemporaryDirectory() as name:
        folder = Path(name)
        container.save(graph, folder / "net.snn")
        path = folder / "net.json"
        options = {"split-synapses": split, "monitor": monitor}
        lowered = snnhub.convert(folder / "net.snn", path, to="dynapse2", lowering=options).graph
        found, data = snnhub.load(path), path.read_bytes()
        assert found.network() == lowered.network()
        assert (found.correspondence, found.findings) == (lowered.correspondence, lowered.findings)
        assert write(read(data)) == data
        mapped, adapted = fixed(lowered, REGISTRY)
        wanted = mapped.links()
        held, decoded = read(data), decode(data)
        number = {held.address_of[label]: place for place, label in enumerate(adapted.shape.labels)}
        events = Counter(
            (
                event.source if isinstance(event.source, int) else adapted.shape.n_in + number[event.source],
                number[event.target],
                event.dendrite,
                event.mask,
            )
            for event in decoded.events.elements()
        )
        assert events == wanted
        watched = [layer for layer in adapted.shape.layers if monitor == "all" or layer.id == adapted.shape.reads]
        assert len(decoded.monitored) == sum(layer.size for layer in watched)
