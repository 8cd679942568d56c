"""Makes torchvision importable beside a torch that its compiled operators do not match."""

import torch


def make_torchvision_importable() -> None:
    """torchvision's compiled operators may not match this torch; none of these networks needs them.

    timm imports torchvision always, transformers where it is there.
    """
    library = torch.library.Library("torchvision", "FRAGMENT")
    for operator in ("nms", "qnms"):
        if not hasattr(torch.ops.torchvision, operator):
            library.define(f"{operator}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
    import torchvision  # noqa: F401 - while the operators are there
