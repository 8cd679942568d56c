"""How an entrant is tuned: all settings at full size, or, in progressive sampling, from a smaller size to the next."""

from dataclasses import dataclass

from bakeoff.messages.statement import because
from bakeoff.study.design.entrants import Entrant
from bakeoff.study.design.jobs import Job, JobKind, job_name, rung_job, tuning_job
from bakeoff.study.design.states import Omission
from bakeoff.study.protocol import CLASSICAL_LIMIT_SECONDS, CLASSICAL_PART
from bakeoff.study.results.outcome import Skipped
from bakeoff.study.schedule import progressive_sampling
from bakeoff.study.schedule.clock import Clock
from bakeoff.study.schedule.state import StudyState


@dataclass(frozen=True, kw_only=True)
class Tuning:
    """The tuning of a study's entrants.

    Attributes:
        state: of the study, as it is when a method is called.
        clock: of all training.
    """

    state: StudyState
    clock: Clock

    def next_job(self, entrant: Entrant) -> Job | None:
        """An entrant's tuning job, or the smaller size to try before; None where it is not tried any further."""
        state, definition = self.state, self.state.definition
        full = tuning_job(entrant, definition, state.allocation.steps.get(entrant.name, 0))
        if full.name in state.results or not progressive_sampling.samples_progressively(
            entrant, state.dataset, definition
        ):
            return full
        tried = state.sizes_tried(entrant.name)
        if tried is None:
            return None
        following = self._next_rung(tried)
        if following.examples is None:
            return None
        is_last = following.examples == definition.sizes[-1]
        return full if is_last else rung_job(entrant, definition, following.examples)

    def _next_rung(self, tried: list[progressive_sampling.Rung]) -> progressive_sampling.NextSize:
        left, spent = self.clock.left() or 0.0, sum(rung.seconds for rung in tried)
        return progressive_sampling.next_rung(
            tried,
            self.state.definition.sizes,
            seconds_left=CLASSICAL_PART * (left + spent) - spent,
            leader=self.state.leading_score(),
            metric=self.state.metric,
            judged_on=self.state.judged_on,
        )

    def not_tuned(self, entrant: Entrant) -> Skipped | None:
        """Why it was not trained on all examples, now that all others are tuned; None where it was, or never began."""
        if job_name(entrant.name, JobKind.TUNING) in self.state.results:
            return None
        tried = self.state.sizes_tried(entrant.name)
        if not tried:
            return None
        following = self._next_rung(tried)
        if following.pruned:
            reason = because("out_of_reach")
            return Skipped(entrant=entrant.name, what=Omission.PRUNED, reason=reason)
        reason = because("climbed", examples=tried[-1].examples)
        spent = sum(rung.seconds for rung in tried)
        budget = self.state.definition.budget_seconds or 0.0
        seconds = max((spent + following.seconds) / CLASSICAL_PART - budget, following.seconds)
        return Skipped(entrant=entrant.name, what=Omission.OUT_OF_TIME, reason=reason, seconds=seconds)

    def seconds_for(self, entrant: Entrant) -> float | None:
        """How long a tuning job of this entrant may take from now on; None where only the clock ends it."""
        left = self.clock.left()
        if left is None or entrant.kind != "classical":
            return None
        return max(CLASSICAL_PART * left, min(CLASSICAL_LIMIT_SECONDS, left))
