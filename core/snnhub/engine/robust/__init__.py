"""Order-robustness: a run of the reference engine that carries, beside each float, how far any other order of
summation could have moved it. ``docs/order-robust.md`` derives every rule.
"""
