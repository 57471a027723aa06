"""Between graphs and boards: a graph of analog neurons as one network to map, and the graph that a board runs."""
