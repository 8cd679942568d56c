"""Where the time of a plain loop's step goes, by torch's own profiler: one JSON line, shares by operator."""

import json
import sys

import speed_job as job
import speed_ways as ways
import torch
from torch.profiler import ProfilerActivity, profile

LARGEST = 6


def answer(request: dict) -> dict:
    torch.set_num_threads(1)
    data = job.load(request["data"])
    ways.tensors(request["family"], data, data.sizes[-1], 0, 5)
    with profile(activities=[ProfilerActivity.CPU]) as watch:
        ways.tensors(request["family"], data, data.sizes[-1], 0, request["steps"])
    rows = watch.key_averages()
    total = sum(row.self_cpu_time_total for row in rows)
    largest = sorted(rows, key=lambda row: -row.self_cpu_time_total)[:LARGEST]
    return {"profile": {row.key: row.self_cpu_time_total / total for row in largest}}


if __name__ == "__main__":
    print(json.dumps(answer(json.loads(sys.argv[1]))))
