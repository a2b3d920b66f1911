"""Several processes that learn as one, on equal parts of each batch: what they have to agree on.

Gradients are averaged by torch's DistributedDataParallel. That comes to the gradient of the whole batch where what a
loss takes from all faces of a batch, means and batch norm's statistics, is taken from all parts too."""

from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor, nn


def alone() -> bool:
    """Whether this process learns by itself."""
    return not dist.is_initialized() or dist.get_world_size() == 1


def mean_of_all(value: Tensor) -> Tensor:
    """The mean over all processes, each of which must ask for it; gradients flow back to all."""
    if alone():
        return value
    mean: Tensor = _Mean.apply(value)  # type: ignore[no-untyped-call]
    return mean


class _Mean(torch.autograd.Function):
    @staticmethod
    def forward(_: Any, value: Tensor) -> Tensor:
        total = value.clone()
        dist.all_reduce(total)
        return total / dist.get_world_size()

    @staticmethod
    def backward(context: Any, gradient: Tensor) -> Tensor:
        return _Mean.forward(context, gradient)  # each process's loss depends on what came from this one


class SharedBatchNorm(nn.BatchNorm2d):
    """Batch norm with the statistics of the faces of all processes: torch's own SyncBatchNorm works on GPUs alone."""

    def forward(self, x: Tensor) -> Tensor:
        if not self.training:
            return super().forward(x)
        assert self.running_mean is not None
        assert self.running_var is not None
        assert self.num_batches_tracked is not None
        assert self.momentum is not None
        values = x.float()
        mean = mean_of_all(values.mean((0, 2, 3)))
        apart = values - mean[:, None, None]
        variance = mean_of_all(apart.square().mean((0, 2, 3)))
        count = dist.get_world_size() * values.numel() // values.shape[1]
        self.num_batches_tracked += 1
        self.running_mean.lerp_(mean.detach(), self.momentum)
        self.running_var.lerp_(variance.detach() * count / (count - 1), self.momentum)
        scale = self.weight * (variance + self.eps).rsqrt()
        return (apart * scale[:, None, None] + self.bias[:, None, None]).to(x.dtype)


def share_statistics(network: nn.Module) -> None:
    """Let all batch norm of a network go by the faces of all processes."""
    for parent in list(network.modules()):
        for name, child in list(parent.named_children()):
            if type(child) is nn.BatchNorm2d:
                shared = SharedBatchNorm(child.num_features, child.eps, child.momentum)
                shared.load_state_dict(child.state_dict())
                setattr(parent, name, shared)
