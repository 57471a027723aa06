"""LIF networks as DynapSim networks, fitted: ``--approximate analog``. See ``docs/dynapse2-lif.md``."""
