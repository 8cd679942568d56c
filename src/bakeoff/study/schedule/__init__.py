"""When what is trained: the plan, racing, progressive sampling, the scheduler."""
