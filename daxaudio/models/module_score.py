"""The score of one class of a torch module, and the gradients that its methods ask of it.

Gradients are taken in float32 with autocast off and leave the module as it was: no parameter gets
a gradient, no flag, weight or random state changes, also when an error is raised on the way.
"""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Literal

import torch
from torch import Tensor, nn

from daxaudio.containers import ScoreFn

Of = Literal["logit", "probability"]
"""What is differentiated: the class's logit, or its softmax probability."""


@dataclasses.dataclass(frozen=True, eq=False)
class ModuleScore:
    """The score of one class: a black box to ask, and the module behind it to look into.

    Args:
        module: `[N, F, T]` spectrograms to logits `[N, C]`, in eval mode.
        index: of the class, from 0 to C - 1.
        ask: `[N, F, T]` to probabilities `[N, C]`, without gradients, as the black box runs it
            (batches, precision).
        batch_size: most inputs of one backward pass.
        target: name of the class, where it has one; explanations of this score get it.

    Example:
        >>> module = nn.Sequential(nn.Flatten(), nn.Linear(2, 3))
        >>> score = ModuleScore(module, 1, lambda inputs: module(inputs).softmax(-1))
        >>> torch.equal(score.gradients(torch.randn(1, 1, 2))[0], module[1].weight[1:2])
        True
    """

    module: nn.Module
    index: int
    ask: Callable[[Tensor], Tensor]
    _: dataclasses.KW_ONLY
    batch_size: int = 64
    target: str = ""

    def __call__(self, spectrograms: Tensor) -> Tensor:
        """Probabilities `[N]` of the class for spectrograms `[N, F, T]`, without gradients."""
        return self.ask(spectrograms)[:, self.index]

    @property
    def has_rivals(self) -> bool:
        """Whether there are other classes; see `rivals`."""
        return True

    def rivals(self, spectrograms: Tensor) -> Tensor:
        """The probability `[N]` of the most probable other class."""
        return best_other(self.ask(spectrograms), self.index)

    def values(self, inputs: Tensor, of: Of = "logit") -> Tensor:
        """What is differentiated, by plain forward passes of the module in float32.

        Args:
            inputs: `[N, F, T]`.
            of: the class's logit or its probability.

        Returns:
            float32 `[N]` on the CPU.

        Raises:
            ValueError: when the module does not give logits `[N, C]` that hold the class.
        """
        with undisturbed(self.module, inputs) as inputs, torch.no_grad():
            parts = [self.of_class(part, of) for part in inputs.split(self.batch_size)]
            return torch.cat(parts).cpu()

    def gradients(self, inputs: Tensor, of: Of = "logit") -> Tensor:
        """The gradient of each input's own score with respect to that input.

        Args:
            inputs: `[N, F, T]`.
            of: the class's logit or its probability.

        Returns:
            float32 `[N, F, T]` on the CPU, in units of the score per unit of the inputs.

        Raises:
            ValueError: when the module does not give logits `[N, C]` that hold the class, or cuts
                the path from its input to them.
            RuntimeError: when not even one input fits into memory; batches are halved until then.
        """
        rows: list[Tensor] = []
        start, size = 0, self.batch_size
        with undisturbed(self.module, inputs) as inputs:
            while start < len(inputs):
                try:
                    rows.append(self._gradients(inputs[start : start + size], of).cpu())
                except RuntimeError as error:
                    if size == 1 or not out_of_memory(error):
                        raise
                    size = max(1, min(size, len(inputs)) // 2)
                    continue
                start += size
        return torch.cat(rows)

    def mean_gradient(self, inputs: Iterable[Tensor], weights: Tensor, of: Of = "logit") -> Tensor:
        """Weighted sum of the gradients at several inputs, made `batch_size` at a time.

        Args:
            inputs: n spectrograms `[F, T]`; taken from the iterator as they are needed.
            weights: `[n]`, of each gradient.
            of: the class's logit or its probability.

        Returns:
            float32 `[F, T]` on the CPU, the same at any batch size but for rounding.

        Raises:
            ValueError: as `gradients`.

        Example:
            >>> module = nn.Sequential(nn.Flatten(), nn.Linear(2, 3))
            >>> score = ModuleScore(module, 1, lambda inputs: module(inputs).softmax(-1))
            >>> halves = score.mean_gradient(iter(torch.randn(2, 1, 2)), torch.full((2,), 0.5))
            >>> torch.allclose(halves, module[1].weight[1])
            True
        """
        inputs = iter(inputs)
        total = torch.zeros(1, dtype=torch.float64)
        for part in weights.double().cpu().split(self.batch_size):
            batch = torch.stack([next(inputs) for _ in part])
            total = total + torch.tensordot(part, self.gradients(batch, of).double(), dims=1)
        return total.float()

    def of_class(self, inputs: Tensor, of: Of) -> Tensor:
        """Float32 `[N]` of inputs `[N, F, T]`, with gradients; call it inside `undisturbed`.

        Raises:
            ValueError: when the module does not give logits `[N, C]` that hold the class.
        """
        logits = logits_of(self.module(inputs), len(inputs)).float()
        if logits.shape[1] <= self.index:
            raise ValueError(
                f"the module must give logits [N, C] with more than {self.index} classes: "
                f"{len(inputs)} inputs, got shape {tuple(logits.shape)}"
            )
        return (logits if of == "logit" else logits.softmax(dim=-1))[:, self.index]

    def _gradients(self, part: Tensor, of: Of) -> Tensor:
        leaf = part.requires_grad_()
        # A clone, so that a module that writes into its input does not meet a leaf.
        gradient = differentiate(self.of_class(leaf.clone(), of), leaf)
        return torch.zeros_like(part) if gradient is None else gradient


def logits_of(answer: Any, n_inputs: int) -> Tensor:
    """The logits in what a module answered: a tensor, or `logits` of a mapping or an object.

    Args:
        answer: what the module gave.
        n_inputs: N, how many spectrograms it was given.

    Returns:
        `[N, C]`.

    Raises:
        ValueError: when there are no logits of this shape in it.

    Example:
        >>> logits_of({"logits": torch.zeros(1, 3), "states": None}, 1).shape
        torch.Size([1, 3])
        >>> logits_of((torch.zeros(1, 3),), 1)
        Traceback (most recent call last):
        ValueError: the module must give logits [N, C], alone or as `logits` of a mapping or an \
object, got a tuple; wrap it in a module that gives the logits
    """
    logits = answer
    if isinstance(answer, Mapping):
        logits = answer.get("logits")
    elif not isinstance(answer, Tensor):
        logits = getattr(answer, "logits", None)
    if not isinstance(logits, Tensor):
        raise ValueError(
            "the module must give logits [N, C], alone or as `logits` of a mapping or an object, "
            f"got a {type(answer).__name__}; wrap it in a module that gives the logits"
        )
    if logits.ndim != 2 or len(logits) != n_inputs:
        raise ValueError(
            f"the module must give logits [N, C]: {n_inputs} inputs, got shape "
            f"{tuple(logits.shape)}"
        )
    return logits


def differentiate(scores: Tensor, by: Tensor) -> Tensor | None:
    """Gradient of summed scores `[N]` by a tensor; None when they do not depend on it.

    Raises:
        ValueError: when the module cut the path from its input to the scores.
    """
    if not scores.requires_grad:
        raise ValueError(
            "the score of the module has no gradient: it detaches its input or runs under "
            "no_grad inside; take a query-only method"
        )
    return torch.autograd.grad(scores.sum(), by, allow_unused=True)[0]


def out_of_memory(error: RuntimeError) -> bool:
    """Whether an error of torch says that memory ran out.

    Example:
        >>> out_of_memory(torch.OutOfMemoryError("CUDA out of memory"))
        True
    """
    return isinstance(error, torch.OutOfMemoryError) or "can't allocate memory" in str(error)


@contextlib.contextmanager
def undisturbed(module: nn.Module, inputs: Tensor) -> Iterator[Tensor]:
    """Ready for gradients by the input alone; all is as it was afterwards.

    Inside, the module is in eval mode, its parameters take no gradients (their part of the backward
    pass is saved), gradients are on even where the caller switched them off, and autocast is off.
    Modules with recurrent layers on a GPU run without cuDNN, whose recurrent layers have a
    backward pass in training mode only.

    Args:
        module: what is differentiated.
        inputs: `[N, F, T]`.

    Yields:
        The inputs in float32, copied, on the device of the module.

    Example:
        >>> layer = nn.Linear(2, 1)
        >>> with torch.no_grad(), undisturbed(layer, torch.ones(1, 2)) as inputs:
        ...     layer(inputs.requires_grad_()).requires_grad, layer.weight.requires_grad
        (True, False)
        >>> layer.weight.requires_grad, layer.training
        (True, True)
    """
    trained = [parameter for parameter in module.parameters() if parameter.requires_grad]
    training = [part for part in module.modules() if part.training]
    device = _device_of(module, inputs)
    try:
        for parameter in trained:
            parameter.requires_grad_(False)
        for part in training:
            part.training = False
        with (
            torch.inference_mode(False),
            torch.enable_grad(),
            torch.autocast(device.type, enabled=False),
            cudnn_fit_for_gradients(module, device),
        ):
            yield inputs.detach().to(device, torch.float32, copy=True)
    finally:
        for part in training:
            part.training = True
        for parameter in trained:
            parameter.requires_grad_(True)


def cudnn_fit_for_gradients(
    module: nn.Module, device: torch.device
) -> contextlib.AbstractContextManager[Any]:
    """CuDNN switched off where a module has recurrent layers and runs on a GPU; else nothing.

    Example:
        >>> with cudnn_fit_for_gradients(nn.LSTM(2, 2), torch.device("cuda")):
        ...     torch.backends.cudnn.enabled
        False
    """
    recurrent = any(isinstance(part, nn.RNNBase) for part in module.modules())
    if device.type == "cuda" and recurrent:
        return torch.backends.cudnn.flags(enabled=False)
    return contextlib.nullcontext()


def _device_of(module: nn.Module, inputs: Tensor) -> torch.device:
    for tensor in (*module.parameters(), *module.buffers()):
        return tensor.device
    return inputs.device


def module_score(score_fn: ScoreFn) -> ModuleScore:
    """The same score, known to have a module behind it.

    Raises:
        TypeError: when it can only be asked.

    Example:
        >>> module_score(lambda inputs: inputs.mean(dim=(1, 2)))
        Traceback (most recent call last):
        TypeError: this method needs the module, got a function: use BlackBox.score_fn, or take a \
query-only method
    """
    if not isinstance(score_fn, ModuleScore):
        raise TypeError(
            f"this method needs the module, got a {type(score_fn).__name__}: use "
            "BlackBox.score_fn, or take a query-only method"
        )
    return score_fn


def best_other(scores: Tensor, index: int) -> Tensor:
    """Of scores `[N, C]` of classes the highest `[N]` beside that of one class; C at least 2.

    Example:
        >>> best_other(torch.tensor([[0.5, 0.3, 0.2]]), 0)
        tensor([0.3000])
    """
    return torch.cat([scores[:, :index], scores[:, index + 1 :]], dim=1).amax(dim=1)
