"""Custom autograd functions over tensors, right and wrong: each wrong one has one fault in its backward."""

import torch
from torch.autograd import Function
from torch.autograd.function import once_differentiable


class Scale(Function):
    """x·w + b, b broadcast over rows."""

    @staticmethod
    def forward(ctx, x, w, b):
        ctx.save_for_backward(x, w)
        return x * w + b

    @staticmethod
    def backward(ctx, cotangent):
        x, w = ctx.saved_tensors
        return cotangent * w, cotangent * x, cotangent.sum(0)


class WrongSign(Scale):
    @staticmethod
    def backward(ctx, cotangent):
        x, w = ctx.saved_tensors
        return cotangent * w, -cotangent * x, cotangent.sum(0)


class MissingFactor(Scale):
    @staticmethod
    def backward(ctx, cotangent):
        x, w = ctx.saved_tensors
        return cotangent * w / 2, cotangent * x, cotangent.sum(0)


class NotSummed(Scale):
    @staticmethod
    def backward(ctx, cotangent):
        x, w = ctx.saved_tensors
        return cotangent * w, cotangent * x, cotangent[0]


class WrongShape(Scale):
    @staticmethod
    def backward(ctx, cotangent):
        x, w = ctx.saved_tensors
        return cotangent * w, (cotangent * x)[:, :1], cotangent.sum(0)


class TooFew(Scale):
    @staticmethod
    def backward(ctx, cotangent):
        x, w = ctx.saved_tensors
        return cotangent * w, cotangent * x


class SavedTheOutput(Scale):
    @staticmethod
    def forward(ctx, x, w, b):
        y = x * w + b
        ctx.save_for_backward(x, y)
        return y


class Swapped(Scale):
    @staticmethod
    def backward(ctx, cotangent):
        x, w = ctx.saved_tensors
        return cotangent * x, cotangent * w, cotangent.sum(0)


class NoneGradient(Scale):
    @staticmethod
    def backward(ctx, cotangent):
        _, w = ctx.saved_tensors
        return cotangent * w, None, cotangent.sum(0)


class IgnoresCotangent(Scale):
    @staticmethod
    def backward(ctx, cotangent):
        x, w = ctx.saved_tensors
        return w.clone(), x.clone(), torch.full_like(x[0], len(x))


class OneElement(Scale):
    @staticmethod
    def backward(ctx, cotangent):
        x, w = ctx.saved_tensors
        gradient = cotangent * x
        gradient[1, 2] *= 1.001
        return cotangent * w, gradient, cotangent.sum(0)


class Cube(Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x**3

    @staticmethod
    def backward(ctx, cotangent):
        (x,) = ctx.saved_tensors
        return 3 * x**2 * cotangent


class CubeCutBehind(Cube):
    """Right once; its second derivative is cut off."""

    @staticmethod
    def backward(ctx, cotangent):
        (x,) = ctx.saved_tensors
        return 3 * x.detach() ** 2 * cotangent


class CubeTwiceWrong(Cube):
    """Right once; its second derivative is half of what it should be."""

    @staticmethod
    def backward(ctx, cotangent):
        (x,) = ctx.saved_tensors
        return 3 * x * x.detach() * cotangent


class SoftmaxTwiceWrong(Function):
    """Its first derivative is right; of the second a part is cut off, which a sum of all outputs does not show."""

    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return torch.softmax(x, -1)

    @staticmethod
    def backward(ctx, cotangent):
        (x,) = ctx.saved_tensors
        p = torch.softmax(x, -1)
        return p * (cotangent - (p.detach() * cotangent).sum(-1, keepdim=True))


class CubeOnce(Cube):
    @staticmethod
    @once_differentiable
    def backward(ctx, cotangent):
        (x,) = ctx.saved_tensors
        return 3 * x**2 * cotangent


class CubeForward(Function):
    """Has both modes, and a form that vmap can take."""

    generate_vmap_rule = True
    factor = 3

    @staticmethod
    def forward(x):
        return x**3

    @staticmethod
    def setup_context(ctx, inputs, output):
        ctx.save_for_backward(*inputs)
        ctx.save_for_forward(*inputs)

    @staticmethod
    def backward(ctx, cotangent):
        (x,) = ctx.saved_tensors
        return 3 * x**2 * cotangent

    @staticmethod
    def jvp(ctx, tangent):
        (x,) = ctx.saved_tensors
        return CubeForward.factor * x**2 * tangent


class CubeForwardWrong(CubeForward):
    @staticmethod
    def jvp(ctx, tangent):
        (x,) = ctx.saved_tensors
        return 2 * x**2 * tangent


class BatchedWrong(CubeForward):
    """Right for one point; its rule for many of them forgets a factor."""

    generate_vmap_rule = False

    @staticmethod
    def vmap(info, in_dims, x):
        return CubeForward.apply(x) / 2, in_dims[0]


class Pinned(Cube):
    """Goes through NumPy, where vmap cannot follow."""

    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return torch.from_numpy(x.detach().numpy() ** 3)


class Square(Function):
    """z², holomorphic: backward takes the conjugate of its derivative."""

    @staticmethod
    def forward(ctx, z):
        ctx.save_for_backward(z)
        return z * z

    @staticmethod
    def backward(ctx, cotangent):
        (z,) = ctx.saved_tensors
        return cotangent * (2 * z).conj()


class SquareWithoutConj(Square):
    @staticmethod
    def backward(ctx, cotangent):
        (z,) = ctx.saved_tensors
        return cotangent * 2 * z


@torch.library.custom_op("gradaudit_tests::square", mutates_args=())
def square(x: torch.Tensor) -> torch.Tensor:
    """An operator of its own: torch gives it no forward mode."""
    return x**2


square.register_autograd(
    lambda ctx, cotangent: 2 * ctx.saved_tensors[0] * cotangent,
    setup_context=lambda ctx, inputs, output: ctx.save_for_backward(*inputs),
)


class InPlace(Function):
    @staticmethod
    def forward(ctx, x):
        ctx.mark_dirty(x)
        return x.mul_(2)

    @staticmethod
    def backward(ctx, cotangent):
        return 2 * cotangent


W = torch.tensor([2.0, -3.0], dtype=torch.float64, requires_grad=True)
LINEAR = torch.nn.Linear(3, 2)


def hides_a_global(x):
    return torch.sin(x) * W


def hides_a_global_in_an_inner_function(x):
    def scaled():
        return torch.sin(x) * W

    return scaled()


def uses_a_global_module(x):
    return LINEAR(x.float()).sum()


def mlp(width: int = 4) -> torch.nn.Module:
    """A factory: it makes the module that is audited."""
    return torch.nn.Sequential(torch.nn.Linear(3, width), torch.nn.Tanh(), torch.nn.Linear(width, 2))


def made():
    return torch.nn.Linear(3, 2)


class Scorer(torch.nn.Module):
    """A frozen scale, a trained weight whose backward is right, and a bias that the forward forgets."""

    def __init__(self, function=None):
        super().__init__()
        self.function = function or Scale
        self.weight = torch.nn.Parameter(torch.linspace(0.5, 2, 6).reshape(2, 3))
        self.frozen = torch.nn.Parameter(torch.ones(3), requires_grad=False)
        self.register_buffer("offset", torch.tensor([0.5, 0.25, 0.125]))

    def forward(self, x):
        return self.function.apply(x, self.weight, self.offset) * self.frozen


class WrongScorer(Scorer):
    def __init__(self):
        super().__init__(WrongSign)


class Boxed(torch.nn.Module):
    """Takes a dict; its weight goes through a custom function, and its buffers change in training."""

    def __init__(self, function=Scale):
        super().__init__()
        self.function = function
        self.norm = torch.nn.BatchNorm1d(3)
        self.weight = torch.nn.Parameter(torch.linspace(0.5, 2, 6).reshape(2, 3))
        self.register_buffer("offset", torch.tensor([0.5, 0.25, 0.125]))

    def forward(self, batch):
        return self.norm(self.function.apply(batch["a"], self.weight, self.offset))


class WrongBoxed(Boxed):
    def __init__(self):
        super().__init__(WrongSign)


wrong_boxed = WrongBoxed()
lstm = torch.nn.LSTM(3, 2)
