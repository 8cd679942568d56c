"""The learning curves of a study: which of their points are worth the time that is left, and which are refused."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from bakeoff.messages.statement import because
from bakeoff.study.design.jobs import Job, TrialRequest, curve_jobs
from bakeoff.study.design.states import Omission
from bakeoff.study.protocol import CHEAP_PART, EARLY_ELIMINATED_PART, EARLY_PART
from bakeoff.study.results.outcome import Skipped
from bakeoff.study.schedule.clock import Clock
from bakeoff.study.schedule.priorities import select_affordable, split_among_workers, trial_requests
from bakeoff.study.schedule.state import StudyState


@dataclass(kw_only=True)
class Curves:
    """The learning curves of the tuned entrants.

    Attributes:
        state: of the study, as it is when a method is called.
        clock: with the deadline of the curves.
    """

    state: StudyState
    clock: Clock
    _requested_early: set[tuple[str, int, int]] = field(default_factory=set)

    def early(self, *, idle: bool) -> Job | None:
        """A job with points of the curve of an entrant that is tuned, while others are not; None where nothing fits.

        Args:
            idle: whether a worker would otherwise wait. It may then spend `EARLY_PART` of the time left on an entrant
                that may still win, and `EARLY_ELIMINATED_PART` on another. While there is more to tune, only cheap
                curves are started, once for each entrant, in case the expensive ones take all the time.
        """
        left = self.clock.left()
        if left is None and not idle:
            return None
        best, still_in_race, seconds = self.state.best(), self.state.still_in_race(), self._seconds()
        started_early = {name for name, _, _ in self._requested_early}
        for name in sorted(best, key=lambda name: (name not in still_in_race, seconds[name])):
            may_win = left is None or name in still_in_race
            wanted = self._not_requested(name, may_win=may_win)
            if not wanted or (name in started_early and not idle):
                continue
            part = CHEAP_PART if not idle else EARLY_PART if may_win else EARLY_ELIMINATED_PART
            affordable, _ = select_affordable(wanted, seconds, None if left is None else part * left, 1)
            if not affordable or (
                not idle and not any(request.what is Omission.CURVE for request in affordable)
            ):
                continue  # it is not cheap
            self._requested_early |= {(name, *request.point) for request in affordable}
            return self._jobs(affordable, None if left is None else {name: 1})[0]
        return None

    def _not_requested(self, name: str, *, may_win: bool) -> list[TrialRequest]:
        """The points of an entrant's curve that are neither done nor begun early."""
        points = trial_requests(self.state.entrants[name], self.state.definition, still_in_race=may_win)
        return [
            request
            for request in self.state.missing(points)
            if (name, *request.point) not in self._requested_early
        ]

    def wanted(self) -> list[TrialRequest]:
        """All points that are not done yet, of every tuned entrant."""
        best, still_in_race = self.state.best(), self.state.still_in_race()
        return self.state.missing(
            request
            for name, entrant in self.state.entrants.items()
            if name in best
            for request in trial_requests(entrant, self.state.definition, still_in_race=name in still_in_race)
        )

    def jobs(self, wanted: list[TrialRequest], workers: int) -> tuple[list[Job], list[TrialRequest]]:
        """The jobs that fit into the time left, the longest first, and the points that do not fit.

        Args:
            workers: processes that train at the same time.
        """
        left, seconds = self.clock.left(), self._seconds()
        affordable, refused = select_affordable(wanted, seconds, left, workers)
        parts = None if left is None else split_among_workers(affordable, seconds, workers)
        jobs = self._jobs(affordable, parts) if affordable else []
        return sorted(jobs, key=lambda job: -self.state.job_seconds(job)), refused

    def _jobs(self, affordable: list[TrialRequest], parts: dict[str, int] | None) -> list[Job]:
        return curve_jobs(
            affordable, self.state.entrants, self.state.best(), self.state.allocation.steps, parts
        )

    def _seconds(self) -> dict[str, float]:
        """Predicted seconds of one point at full size, by entrant."""
        return {name: self.state.point_seconds(name) for name in self.state.entrants}

    def skipped(self, refused: Iterable[TrialRequest], still_in_race: set[str]) -> list[Skipped]:
        """The points that did not fit, by entrant and by what they are part of, with their predicted seconds.

        Args:
            still_in_race: the entrants that might still win or tie when the points were wanted.
        """
        seconds: dict[tuple[str, Omission], float] = {}
        for request in refused:
            what = request.what if request.entrant in still_in_race else Omission.CANNOT_WIN
            place = (request.entrant, what)
            seconds[place] = seconds.get(place, 0.0) + self.state.point_seconds(request.entrant)
        return [
            Skipped(entrant=name, what=what, reason=because("no_time"), seconds=spent)
            for (name, what), spent in seconds.items()
        ]
