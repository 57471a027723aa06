"""The profiles, by name."""

from __future__ import annotations

from snnhub_profiles.rules import nengo, nir, norse, rockpool, sinabs, snntorch, spikingjelly, spyx
from snnhub_profiles.rules.rule import Rule

RULES: dict[str, Rule] = {
    rule.name: rule
    for rule in (
        nir.EULER,
        nir.EXPONENTIAL,
        snntorch.RULE,
        norse.RULE,
        spikingjelly.RULE,
        sinabs.RULE,
        spyx.RULE,
        rockpool.RULE,
        nengo.RULE,
    )
}
