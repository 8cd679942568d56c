"""What is said of a fit, whoever draws it: its score, how the training ended, and the rows of its recipe."""

from bakeoff.messages import say
from bakeoff.report.words.text import clean, duration, grouped, significant
from bakeoff.study.fitting.result import Fit
from bakeoff.study.results.run_folder import RunFolder
from bakeoff.tasks.metrics.registry import METRICS


def score_sentence(fit: Fit) -> str:
    """The test score with its interval, and the validation score."""
    metric = METRICS[fit.metric]
    return say(
        "fit.score",
        model=clean(fit.model),
        data=clean(fit.data),
        metric=say(f"verdict.metric.{fit.metric}"),
        score=metric.show(fit.test.score),
        low=metric.show(fit.test.low),
        high=metric.show(fit.test.high),
        validation=metric.show(fit.validation),
    )


def state_sentences(fit: Fit) -> list[str]:
    """How the training ended, and whether it went on from a checkpoint."""
    state = say(f"fit.state.{fit.state}", steps=grouped(fit.recipe.steps), best=grouped(fit.best_step))
    return [state, *([say("fit.resumed")] if fit.resumed else [])]


def recipe_rows(fit: Fit) -> list[tuple[str, str]]:
    """(heading, text): parameters, recipe, initial weights, time, and the network's folder."""
    recipe = fit.recipe
    rows = [
        (
            say("fit.heading.trained"),
            say(
                f"fit.mode.{fit.mode}",
                trained=grouped(fit.trained_parameters),
                total=grouped(fit.parameters),
            ),
        ),
        (
            say("fit.heading.recipe"),
            say(
                "fit.recipe",
                rate=significant(fit.learning_rate),
                found=say("fit.found") if fit.found else "",
                steps=grouped(recipe.steps),
                epochs=_epochs(fit),
                batch=recipe.batch_size,
                pieces=say("fit.recipe.pieces", pieces=recipe.pieces) if recipe.pieces > 1 else "",
                precision=fit.precision,
                device=fit.device,
            ),
        ),
        (
            say("fit.heading.regularised"),
            say(
                "fit.regularised",
                decay=f"{recipe.weight_decay:g}",
                clip=f"{recipe.clip_norm:g}",
                smoothing=f"{recipe.label_smoothing:g}",
                average=say("fit.nothing") if recipe.average_decay is None else f"{recipe.average_decay:g}",
                augment=", ".join(recipe.augment) or say("fit.nothing"),
            ),
        ),
    ]
    if fit.weights is not None:
        rows.append((say("fit.heading.began"), clean(fit.weights)))
    rows.append((say("fit.heading.seconds"), duration(fit.seconds)))
    rows.append((say("fit.heading.network"), clean(RunFolder(fit.folder).champion)))
    return rows


def _epochs(fit: Fit) -> str:
    """The passes over the training data that the recipe's steps make, computed from the last evaluation."""
    evaluation = fit.history[-1]
    return f"{evaluation.epoch * fit.recipe.steps / evaluation.step:.3g}"
