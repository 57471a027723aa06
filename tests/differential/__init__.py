"""Against live peers and recordings made by them."""
