"""What differs between two networks: nodes, edges, numbers, arithmetic, interface, history. Nothing is run."""
