"""Operators in C with their Python side: `operators` lists them, `compilation` builds them.

Imports nothing, so that `compilation` can be asked before PyTorch is loaded.
"""
