"""Early stopping: follows a training's evaluations and says when it may end."""

import math
from dataclasses import dataclass, field

import torch
from torch import Tensor

from bakeoff.messages.statement import Statement, because
from bakeoff.train.recipe import Recipe


@dataclass
class Watch:
    """The state of early stopping of one training.

    Attributes:
        best: the lowest measure so far (see `Recipe.judge`).
        waited: evaluations since then.
        unchanged: evaluations in a row that predicted the same class as the one before for every validation example.
    """

    best: float = math.inf
    waited: int = 0
    unchanged: int = 0
    _answers: Tensor | None = field(default=None, repr=False)

    def see(self, measure: float, answers: Tensor | None) -> bool:
        """Record an evaluation; returns whether it is the best so far.

        Args:
            measure: lower is better; not a number is never better.
            answers: the classes given to the validation examples [N]; None where answers are numbers.
        """
        same = answers is not None and self._answers is not None and torch.equal(answers, self._answers)
        self.unchanged = self.unchanged + 1 if same else 0
        self._answers = answers
        if measure < self.best:
            self.best, self.waited = measure, 0
            return True
        self.waited += 1
        return False

    def enough(self, recipe: Recipe) -> Statement | None:
        """The reason why the training may stop; None where it continues.

        A training whose last evaluation was its best one continues, however small the improvement.
        """
        if not self.waited:
            return None
        if recipe.patience is not None and self.waited >= recipe.patience:
            return because("patience", count=self.waited)
        if recipe.settled is not None and self.unchanged >= recipe.settled:
            return because("settled", count=self.unchanged)
        return None
