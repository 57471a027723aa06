"""Property tests: what must hold for every input of a kind."""
