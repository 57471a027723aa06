"""Layers of a network to the neurons of one core, still in floats: what there is, when it acts, where it is."""
