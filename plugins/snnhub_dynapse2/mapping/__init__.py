"""Neurons to cores, synapses to tags and CAM, spikes to destinations: a network on up to four chips."""
