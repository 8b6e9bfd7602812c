"""Modules and functions over tensors: factories with options, losses by name, and two custom autograd functions."""

import torch
from torch import Tensor, nn
from torch.autograd import Function


def activation(name: str) -> nn.Module:
    """The activation of torch.nn that is called ``name``."""
    made: nn.Module = getattr(nn, name)()
    return made


def loss(name: str) -> nn.Module:
    """The loss of torch.nn that is called ``name``, summed."""
    made: nn.Module = getattr(nn, name)(reduction="sum")
    return made


def batch_norm(training: bool) -> nn.Module:
    """Batch normalisation in train or eval mode; its running statistics are no longer those of a new module."""
    norm = nn.BatchNorm1d(3)
    norm.running_mean = torch.tensor([0.5, -1.0, 0.25])
    norm.running_var = torch.tensor([2.0, 0.5, 1.5])
    return norm.train(training)


def classifier(width: int) -> nn.Module:
    """A small network with everything that trains: dropout, normalisation, a custom activation."""
    return nn.Sequential(nn.Linear(4, width), nn.LayerNorm(width), Activation(), nn.Dropout(0.25), nn.Linear(width, 3))


def ctc(logits: Tensor) -> Tensor:
    """Connectionist temporal classification of two sequences of length 6 over 4 letters."""
    targets, lengths = torch.tensor([[1, 2], [3, 3]]), torch.tensor([2, 2])
    scores = logits.log_softmax(2)
    return nn.functional.ctc_loss(scores, targets, torch.tensor([6, 6]), lengths)


def spectrum(x: Tensor) -> Tensor:
    """The complex spectrum of a real signal."""
    return torch.fft.rfft(x)


class Swish(Function):
    """x·σ(x), saved as its input alone."""

    @staticmethod
    def forward(ctx, x: Tensor) -> Tensor:
        """The value."""
        ctx.save_for_backward(x)
        return x * torch.sigmoid(x)

    @staticmethod
    def backward(ctx, cotangent: Tensor) -> Tensor:
        """The vector–Jacobian product."""
        (x,) = ctx.saved_tensors
        s = torch.sigmoid(x)
        return cotangent * (s + x * s * (1 - s))


class Softplus(Function):
    """log(1 + eˣ) in both modes; its own backward can be differentiated again."""

    generate_vmap_rule = True

    @staticmethod
    def forward(x: Tensor) -> Tensor:
        """The value."""
        return torch.logaddexp(x, torch.zeros_like(x))

    @staticmethod
    def setup_context(ctx, inputs: tuple[Tensor], output: Tensor) -> None:
        """Keep the input, for both modes."""
        ctx.save_for_backward(*inputs)
        ctx.save_for_forward(*inputs)

    @staticmethod
    def backward(ctx, cotangent: Tensor) -> Tensor:
        """The vector–Jacobian product."""
        (x,) = ctx.saved_tensors
        return cotangent * torch.sigmoid(x)

    @staticmethod
    def jvp(ctx, tangent: Tensor) -> Tensor:
        """The Jacobian–vector product."""
        (x,) = ctx.saved_tensors
        return tangent * torch.sigmoid(x)


class Activation(nn.Module):
    """A layer that calls ``Swish``."""

    def forward(self, x: Tensor) -> Tensor:
        """Swish of every element."""
        return Swish.apply(x)
