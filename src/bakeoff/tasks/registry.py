"""Which task a kind of target has."""

from bakeoff.data.schema import Classes, Forecast, Schema, Value
from bakeoff.errors import DataError
from bakeoff.tasks.base import Task
from bakeoff.tasks.classification import Classification
from bakeoff.tasks.forecasting import Forecasting
from bakeoff.tasks.regression import Regression

_TASKS: dict[type, type[Task]] = {}


def register(target: type, task: type[Task]) -> None:
    """Make this the task of a kind of target.

    Raises:
        ValueError: the kind of target has a task.
    """
    if target in _TASKS:
        raise ValueError(f"'{target.__name__}' has a task already: {_TASKS[target].__name__}.")
    _TASKS[target] = task


def task_of(schema: Schema) -> Task:
    """The task of a schema's target.

    Raises:
        DataError: there is none for this kind of target.

    >>> from bakeoff.data.schema import Table
    >>> task_of(Schema(input=Table(features=2), target=Value())).default_metric().name
    'rmse'
    """
    kind = type(schema.target)
    if kind not in _TASKS:
        known = ", ".join(sorted(known.__name__ for known in _TASKS))
        raise DataError(
            f"There is no task for targets of the kind '{kind.__name__}'; there is one for {known}."
        )
    return _TASKS[kind](schema=schema)


register(Classes, Classification)
register(Value, Regression)
register(Forecast, Forecasting)
