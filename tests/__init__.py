"""snnhub's own tests."""
