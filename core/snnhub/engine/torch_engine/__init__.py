"""The torch engine: graphs in torch's own kernels, in a framework's own call shape.

The reference engine gives the exact sums, rounded once. A framework adds in f32 in an order of its own, which
depends on how its layers are called: with the whole sequence at once or step by step, on how many samples, with
how many threads. This engine calls torch as the framework does, and so gives the framework's voltages.
"""
