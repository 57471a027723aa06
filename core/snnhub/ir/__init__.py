"""The neutral representation: numbers, step programs, tensors, graphs, and what is true of them."""
