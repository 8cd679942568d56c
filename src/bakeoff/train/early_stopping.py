"""When a training has had enough steps: its evaluations, one after the other."""

import math
from dataclasses import dataclass, field

import torch
from torch import Tensor

from bakeoff.train.recipe import Recipe


@dataclass
class Watch:
    """What is remembered of one training's evaluations.

    Attributes:
        best: the lowest measure so far (see `Recipe.judge`).
        waited: evaluations since then.
        unchanged: how many evaluations in a row gave every validation example the class that the one before gave it.
    """

    best: float = math.inf
    waited: int = 0
    unchanged: int = 0
    _answers: Tensor | None = field(default=None, repr=False)

    def see(self, measure: float, answers: Tensor | None) -> bool:
        """Take note of an evaluation; whether it is the best so far.

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

    def enough(self, recipe: Recipe) -> str | None:
        """Why the training may stop; None where it goes on.

        The best evaluation is never the last one of a training that stops: while a training improves, however
        little, it goes on.
        """
        if not self.waited:
            return None
        if recipe.patience is not None and self.waited >= recipe.patience:
            return f"{self.waited} evaluations brought no better validation loss."
        if recipe.settled is not None and self.unchanged >= recipe.settled:
            return f"{self.unchanged} evaluations changed no answer on validation."
        return None
