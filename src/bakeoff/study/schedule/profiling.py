"""Profiles the networks of a study on this machine, before anything is trained."""

from collections.abc import Callable, Sequence

from bakeoff.messages.statement import failure_of
from bakeoff.study.design.entrants import Entrant, Profile
from bakeoff.study.protocol import PROFILE_PART
from bakeoff.study.schedule.clock import Clock
from bakeoff.study.schedule.runner import JobRunner
from bakeoff.study.workers import tasks
from bakeoff.study.workers.queue import WorkerTask, run_while_given
from bakeoff.study.workers.requests import ProfileRequest


def profile_networks(
    runner: JobRunner,
    networks: Sequence[Entrant],
    *,
    clock: Clock,
    report: Callable[[int], None],
) -> dict[str, Profile]:
    """The profile of each network, by its name, with the reason in `fault` where it cannot take part.

    Under a clock, networks that are still being timed after `PROFILE_PART` of the time are given up, and not among
    these. The limit holds only once a first network is timed: on a busy machine the workers start late.

    Args:
        report: called several times a second with how many networks are done.
    """
    found: dict[str, Profile] = {}
    waiting, at_start = list(networks), clock.left()

    def following() -> WorkerTask | None:
        if not waiting:
            return None
        network = waiting.pop(0)
        request = ProfileRequest(dataset=runner.shared, entrant=network, reproducible=runner.reproducible)
        return WorkerTask(task=tasks.profile, request=request, payload=network.name)

    def is_over() -> bool:
        left = clock.left()
        if left is None or at_start is None:
            return False
        return left <= (at_start * (1 - PROFILE_PART) if found else 0.0)

    ended = run_while_given(
        runner.executor, following, lambda: report(len(found)), at_once=len(networks), is_over=is_over
    )
    for name, profile in ended:
        if isinstance(profile, BaseException):
            profile = Profile(entrant=name, fault=failure_of(profile))
        found[name] = profile
    return found
