"""Conformance suites, one a contract: of networks, for the catalogue and for your own (here), `executors`, `tasks`."""

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
from bakeoff.testing.tasks import TASK_CHECKS, TaskSample, task_sample

__all__ = [
    "BATCH",
    "CHECKS",
    "ROUNDING",
    "TASK_CHECKS",
    "TaskSample",
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
    "task_sample",
]
