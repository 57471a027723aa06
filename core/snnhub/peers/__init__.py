"""Peers: frameworks and simulators that live in other interpreters, reached through a small protocol."""
