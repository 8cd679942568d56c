"""Conformance suites, one a contract: of networks, for the catalogue and for your own (here), and of `executors`."""

from bakeoff.testing.networks import (
    BATCH,
    CHECKS,
    ROUNDING,
    check_batch_independence,
    check_determinism,
    check_forward,
    check_gradients,
    check_meta,
    check_save_and_load,
    check_wrong_size,
    conformance_schema,
    example_inputs,
    schemas_of,
)

__all__ = [
    "BATCH",
    "CHECKS",
    "ROUNDING",
    "check_batch_independence",
    "check_determinism",
    "check_forward",
    "check_gradients",
    "check_meta",
    "check_save_and_load",
    "check_wrong_size",
    "conformance_schema",
    "example_inputs",
    "schemas_of",
]
