"""Passes turn a graph into another one, declare what they keep, and say which quantity became which."""
