"""One forward pass before anything is trained: an error in it is explained in words of the data, not as a traceback."""

import torch
from torch import Tensor, nn

from bakeoff.errors import BakeoffError, ModelError, printable
from bakeoff.models.layers.graphs import GraphBatch, count_of, tensors_of
from bakeoff.models.layers.views import arguments
from bakeoff.system.extras import first_line


def check_forward(
    module: nn.Module, inputs: Tensor | GraphBatch, lengths: Tensor | None, outputs: int
) -> None:
    """Run the network on a few examples, in evaluation mode, and look at what it gives.

    Args:
        module: the network; it is left in evaluation mode.
        inputs: [N, ...] or graphs, as it is trained with.
        lengths: true lengths [N], if it takes any.
        outputs: how many it must give for an example.

    Raises:
        ModelError: it fails, or gives something of another shape than [N, outputs].
    """
    module.eval()
    try:
        with torch.no_grad():
            given = module(*arguments(module, inputs, lengths))
    except BakeoffError:
        raise
    except (Exception, SystemExit) as error:
        raise ModelError(
            f"The network fails on inputs of shape {tuple(tensors_of(inputs)[0].shape)}: {type(error).__name__}: "
            f"{printable(first_line(error), most=300)}"
        ) from error
    wanted = (count_of(inputs), outputs)
    if not isinstance(given, Tensor) or tuple(given.shape) != wanted:
        came = tuple(given.shape) if isinstance(given, Tensor) else type(given).__name__
        raise ModelError(f"The network gives {came} where {wanted} was needed: [batch, classes or values].")
