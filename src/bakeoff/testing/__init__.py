"""Conformance suites, one a contract, for the catalogue and for your own: `networks`."""

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
