"""What happens inside a module: the maps of one of its layers, and its ReLUs.

Nothing is copied and nothing stays behind: hooks and the exchange of ReLUs last as long as one
pass, also when an error is raised.
"""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Callable, Mapping
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from daxaudio.containers import Spectrogram
from daxaudio.models.layer_axes import Reshape, Watch
from daxaudio.models.module_score import ModuleScore, Of, differentiate, undisturbed

_CONVOLUTIONS = (nn.Conv1d, nn.Conv2d)
_LISTED = 12
"""Most layers that an error names."""


@dataclasses.dataclass(frozen=True, eq=False)
class LayerMaps:
    """What a layer gave for one input, and how the score follows it.

    Args:
        name: qualified name of the layer.
        activations: `[C, f, t]`; f is 1 for a layer that runs over time only.
        gradients: `[C, f, t]`, of the score by the activations.
    """

    name: str
    activations: Tensor
    gradients: Tensor


def maps_of_layer(
    spectrogram: Spectrogram,
    score: ModuleScore,
    layer: str | None = None,
    *,
    of: Of = "logit",
    reshape: Reshape | None = None,
) -> LayerMaps:
    """Maps of one layer for one input, by one forward and one backward pass.

    Args:
        spectrogram: the input.
        score: of the class.
        layer: qualified name of a part of the module; None for the last convolution (`nn.Conv1d`,
            `nn.Conv2d`) that runs in the forward pass or, in a module without convolutions, the
            last recurrent layer. A layer that runs several times counts as it was the last time.
        of: the class's logit or its probability.
        reshape: from the layer's output, for one input, to maps `[1, C, f, t]`; None finds out
            which axes are which (see `layer_axes`): channels first or last, frequency and time in
            either order, one axis alone, tokens of frames or of a grid of patches, with up to two
            class tokens before them, which are left out.

    Returns:
        The layer's own output, before what follows it (normalisation, in-place ReLU), and of a
        recurrent layer its hidden units as channels.

    Raises:
        ValueError: when there is no such layer, it did not run, its output is no map or has
            another batch dimension than the input, its axes cannot be told, `reshape` gives another
            shape, or the score does not depend on it.

    Example:
        >>> module = nn.Sequential(nn.Conv1d(2, 3, 1), nn.AdaptiveAvgPool1d(1), nn.Flatten())
        >>> score = ModuleScore(module, 0, lambda inputs: module(inputs).softmax(-1))
        >>> picture = Spectrogram(torch.eye(2), torch.arange(2.0), torch.arange(2.0))
        >>> maps_of_layer(picture, score).gradients[:, 0]
        tensor([[0.5000, 0.5000],
                [0.0000, 0.0000],
                [0.0000, 0.0000]])
    """
    chosen = find_layers(score.module, layer)
    seen: list[tuple[str, Any]] = []
    values = spectrogram.values[None]
    watch = Watch(spectrogram.values)
    with undisturbed(score.module, values) as inputs, contextlib.ExitStack() as hooks:
        for name, part in chosen.items():
            hooks.enter_context(part.register_forward_hook(_keeper(name, seen)))
        with watch.over(score.module):
            scores = score.of_class(inputs.requires_grad_().clone(), of)
        if not seen:
            raise ValueError(f"layer {', '.join(chosen)} does not run in the forward pass")
        name, output = seen[0]
        output = _checked(output, chosen[name], name, score.module, any_shape=reshape is not None)
        gradients = differentiate(scores, output) if output.requires_grad else None
    if gradients is None:
        raise ValueError(
            f"the score does not depend on the output of layer {name!r} (on its last state only, "
            "perhaps): name another layer"
        )
    pair = [tensor.detach() for tensor in (output, gradients)]
    if reshape is None:
        if _batch_second(chosen[name], score.module, output):
            pair = [tensor.transpose(0, 1) for tensor in pair]
        reshape = watch.reshape_of(chosen[name], pair[0])
    if reshape is None:
        raise ValueError(
            f"layer {name!r} gives {tuple(output.shape)}, and which axes of it are frequency and "
            f"time of the {tuple(spectrogram.values.shape)} input cannot be told: give reshape=, a "
            "function from that output to maps [1, C, f, t], or name another layer"
        )
    return LayerMaps(name, *(_mapped(reshape, tensor, name) for tensor in pair))


def _mapped(reshape: Reshape, tensor: Tensor, name: str) -> Tensor:
    """`[C, f, t]` of a layer's output."""
    maps = reshape(tensor)
    if not isinstance(maps, Tensor) or maps.ndim != 4 or len(maps) != 1 or maps.numel() == 0:
        got = tuple(maps.shape) if isinstance(maps, Tensor) else type(maps).__name__
        raise ValueError(
            f"reshape must give maps [1, C, f, t] of layer {name!r}, whose output is "
            f"{tuple(tensor.shape)}; got {got}"
        )
    return maps[0]


def find_layers(module: nn.Module, name: str | None = None) -> Mapping[str, nn.Module]:
    """The named part, or the layers of which the last to run is the one to look at.

    Args:
        module: where to look.
        name: qualified name; None for all convolutions or, where there is none, all recurrent
            layers.

    Returns:
        Layers by name.

    Raises:
        ValueError: when there is no such part; lists the convolutions and recurrent layers.

    Example:
        >>> list(find_layers(nn.Sequential(nn.Conv1d(2, 3, 1), nn.ReLU())))
        ['0']
    """
    parts = dict(module.named_modules())
    if name is not None:
        if name not in parts:
            raise ValueError(f"layer {name!r} does not exist; choose from {_known(module)}")
        return {name: parts[name]}
    convolutions = {name: part for name, part in parts.items() if isinstance(part, _CONVOLUTIONS)}
    recurrent = {name: part for name, part in parts.items() if isinstance(part, nn.RNNBase)}
    if not convolutions and not recurrent:
        raise ValueError(
            f"{type(module).__name__} holds no convolution and no recurrent layer (a scripted "
            "module hides them): name the layer that Grad-CAM shall look at"
        )
    return convolutions or recurrent


def _known(module: nn.Module) -> str:
    """Convolutions and recurrent layers, the last ones, which are the likeliest to be meant."""
    kinds = (*_CONVOLUTIONS, nn.RNNBase)
    names = [name for name, part in module.named_modules() if isinstance(part, kinds)]
    skipped = len(names) - _LISTED
    start = f"({skipped} earlier ones), " if skipped > 0 else ""
    return start + ", ".join(names[-_LISTED:])


def _keeper(name: str, seen: list[tuple[str, Any]]) -> Callable[..., Any]:
    """A hook that keeps the latest output and hands a copy on, safe from in-place changes."""

    def keep(layer: nn.Module, inputs: Any, output: Any) -> Any:
        seen[:] = [(name, output)]
        if isinstance(output, Tensor):
            return output.clone()
        first, *rest = output
        return (first.clone() if isinstance(first, Tensor) else first, *rest)

    return keep


def _checked(
    output: Any, layer: nn.Module, name: str, module: nn.Module, *, any_shape: bool
) -> Tensor:
    """The output as a tensor of one input; a recurrent layer's states are left out."""
    output = output if isinstance(output, Tensor) else output[0]
    fault = ""
    if not isinstance(output, Tensor):
        fault = "packed sequences"
    elif any_shape:
        return output
    elif output.ndim not in (3, 4):
        fault = f"shape {tuple(output.shape)}, which is no map over time"
    elif output.shape[1 if _batch_second(layer, module, output) else 0] != 1:
        fault = f"{tuple(output.shape)} for 1 input, another batch dimension (windows inside?)"
    if fault:
        raise ValueError(f"layer {name!r} gives {fault}; choose from {_known(module)}")
    return output


def _batch_second(layer: nn.Module, module: nn.Module, output: Tensor) -> bool:
    """Whether an output is `[steps, N, channels]`: of a layer, or in a module, that works so."""
    if output.ndim != 3:
        return False
    kinds = (nn.RNNBase, nn.MultiheadAttention)
    own, whole = (
        [not part.batch_first for part in root.modules() if isinstance(part, kinds)]
        for root in (layer, module)
    )
    return any(own) or (not own and any(whole) and output.shape[1] == 1)


class GuidedRelu(TorchFunctionMode):
    """Within this context every ReLU lets back only positive gradients, at positive inputs.

    It exchanges calls of `torch.relu`, `torch.nn.functional.relu`, `Tensor.relu` and their in-place
    forms, so `nn.ReLU` too, wherever in the code they stand. Other activations (LeakyReLU, GELU,
    ReLU6, a clamp, the inside of `nn.RNN`) stay as they are.

    Source: Springenberg et al. 2015. It differs from captum, which hooks `nn.ReLU` modules and
    leaves functional calls as they are without a word.

    Attributes:
        n_calls: ReLUs met so far.

    Args:
        module: what will be run.

    Raises:
        ValueError: when a part of the module is scripted, whose calls cannot be exchanged.

    Example:
        >>> inputs = torch.tensor([-1.0, 2.0, 3.0], requires_grad=True)
        >>> with GuidedRelu(nn.ReLU()) as guided:
        ...     (inputs.relu() * torch.tensor([1.0, 1.0, -1.0])).sum().backward()
        >>> inputs.grad, guided.n_calls
        (tensor([0., 1., 0.]), 1)
    """

    def __init__(self, module: nn.Module) -> None:
        if any(isinstance(part, torch.jit.ScriptModule) for part in module.modules()):
            raise ValueError(
                "a scripted module (torch.jit) cannot be guided: give the module that was scripted"
            )
        super().__init__()
        self.n_calls = 0

    def __torch_function__(
        self, func: Any, types: Any, args: Any = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        """Runs a call, or the guided form of it."""
        kwargs = kwargs or {}
        in_place = func in (torch.relu_, Tensor.relu_)
        if not in_place and func not in (torch.relu, F.relu, Tensor.relu):
            return func(*args, **kwargs)
        self.n_calls += 1
        inputs = args[0] if args else kwargs["input"]
        outputs = _Guided.apply(inputs)
        return inputs.copy_(outputs) if in_place or kwargs.get("inplace") else outputs


class _Guided(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, inputs: Tensor) -> Tensor:
        outputs = inputs.clamp(min=0)
        ctx.save_for_backward(outputs)
        return outputs

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Tensor:
        (outputs,) = ctx.saved_tensors
        return gradients[0].clamp(min=0) * (outputs > 0)
