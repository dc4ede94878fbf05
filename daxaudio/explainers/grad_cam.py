"""Class activation maps: which places of a layer speak for the class."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable

import torch.nn.functional as F
from torch import Tensor

from daxaudio.containers import Explanation, ScoreFn, Spectrogram
from daxaudio.explainers.attribution import Sign, check_choices, explain_by_gradients
from daxaudio.models.layer_axes import Reshape
from daxaudio.models.layers import GuidedRelu, LayerMaps, maps_of_layer
from daxaudio.models.module_score import Of, module_score
from daxaudio.perturbation.neighbourhood import check_spectrogram

_SMALLEST = 1e-6
"""Stands for a denominator of Grad-CAM++ that is 0, beside its usual 2."""


@dataclasses.dataclass(frozen=True)
class GradCam:
    """A layer's activations, weighted by the mean gradient of their channel.

    `map = ReLU(sum_c mean(gradients_c) activations_c)`, stretched bilinearly to the input. What is
    said of a channel holds for all of its places: a layer tells places apart by what it finds
    there, never by where they are.

    Source: Selvaraju et al. 2017. It differs from the examples of the grad-cam package, which take
    a whole block (its last ReLU): here the layer is one convolution or recurrent layer, before
    what follows it. A classifier whose head is a convolution needs the name of an earlier one.

    Args:
        layer: qualified name; None for the last convolution that runs or, in a module without
            convolutions, the last recurrent layer. Which, is a finding of the explanation. Of a
            transformer name the last block, or better the norm before its attention: at the last
            output only the class token may count.
        of: the class's logit or its probability.
        reshape: from the layer's output for one input to maps `[1, C, f, t]`. None finds out by
            itself: (frequency, time) or (time, frequency), channels first or last, tokens of frames
            or of a grid of patches. Where that cannot be told it is refused, never guessed. A layer
            over time alone has one map for all frequencies, one over frequency for all times.

    Raises:
        ValueError: when a word is unknown.
        TypeError: when `reshape` is no function.

    Example:
        >>> import torch
        >>> from torch import nn
        >>> from daxaudio.models.module_score import ModuleScore
        >>> unit = nn.Conv2d(1, 2, 1, bias=False)
        >>> _ = unit.weight.data.fill_(1)
        >>> module = nn.Sequential(
        ...     nn.Unflatten(1, (1, 2)), unit, nn.AdaptiveAvgPool2d(1), nn.Flatten()
        ... )
        >>> score = ModuleScore(module, 0, lambda inputs: module(inputs).softmax(-1))
        >>> picture = Spectrogram(2 * torch.eye(2), torch.arange(2.0), torch.arange(2.0))
        >>> GradCam()(picture, score).attribution
        tensor([[0.5000, 0.0000],
                [0.0000, 0.5000]])
    """

    layer: str | None = None
    of: Of = "logit"
    reshape: Reshape | None = None

    def __post_init__(self) -> None:
        check_choices(self.of)
        _check_reshape(self.reshape)

    def __call__(self, spectrogram: Spectrogram, score_fn: ScoreFn) -> Explanation:
        """One forward and backward pass, and 1 query; TypeError without a module to look into."""
        return _explain(self, "grad_cam", grad_cam_map, spectrogram, score_fn)


@dataclasses.dataclass(frozen=True)
class GradCamPlusPlus:
    """Grad-CAM with channel weights from positive gradients, place by place.

    `w_c = sum alpha_c ReLU(gradients_c)` with `alpha_c = g^2 / (2 g^2 + sum(activations_c) g^3)`,
    which is `1 / (2 + sum(activations_c) g)` where g is not 0; where it is 0, so is the ReLU. A
    denominator of 0 becomes 1e-6.

    Source: Chattopadhyay et al. 2018, equation (19), which holds for the exponential of the
    logit and a module that is linear between its ReLUs; their factor exp(logit) is left out, as it
    scales the map only. With `of="probability"` the formula is used as it stands, beyond what it
    was derived for. It differs from the grad-cam package, which adds 1e-6 to the uncancelled
    denominator: that makes gradients below 0.001 count less.

    Args:
        layer: as in `GradCam`.
        of: the class's logit or its probability.
        reshape: as in `GradCam`.

    Raises:
        ValueError: when a word is unknown.
        TypeError: when `reshape` is no function.

    Example:
        >>> import torch
        >>> from torch import nn
        >>> from daxaudio.models.module_score import ModuleScore
        >>> unit = nn.Conv2d(1, 2, 1, bias=False)
        >>> _ = unit.weight.data.fill_(1)
        >>> module = nn.Sequential(
        ...     nn.Unflatten(1, (1, 2)), unit, nn.AdaptiveAvgPool2d(1), nn.Flatten()
        ... )
        >>> score = ModuleScore(module, 0, lambda inputs: module(inputs).softmax(-1))
        >>> picture = Spectrogram(2 * torch.eye(2), torch.arange(2.0), torch.arange(2.0))
        >>> GradCamPlusPlus()(picture, score).attribution  # alpha is 1 / (2 + 4 * 0.25)
        tensor([[0.6667, 0.0000],
                [0.0000, 0.6667]])
    """

    layer: str | None = None
    of: Of = "logit"
    reshape: Reshape | None = None

    def __post_init__(self) -> None:
        check_choices(self.of)
        _check_reshape(self.reshape)

    def __call__(self, spectrogram: Spectrogram, score_fn: ScoreFn) -> Explanation:
        """One forward and backward pass, and 1 query; TypeError without a module to look into."""
        return _explain(self, "grad_cam_plus_plus", grad_cam_plus_plus_map, spectrogram, score_fn)


@dataclasses.dataclass(frozen=True)
class GuidedGradCam:
    """Guided backpropagation, at the places that Grad-CAM marks.

    The gradient by the input, with every ReLU letting back positive gradients only (see
    `layers_of_modules.GuidedRelu`), times the Grad-CAM map at the input's size. A module without
    ReLU gets its plain gradient and a warning; other activations (LeakyReLU, GELU) pass gradients
    as ever.

    Source: Selvaraju et al. 2017; Springenberg et al. 2015.

    Args:
        layer: as in `GradCam`.
        of: the class's logit or its probability.
        sign: "positive", because negative values speak against the class; or "absolute".
        reshape: as in `GradCam`.

    Raises:
        ValueError: when a word is unknown.
        TypeError: when `reshape` is no function.

    Example:
        >>> import torch
        >>> from torch import nn
        >>> from daxaudio.models.module_score import ModuleScore
        >>> unit = nn.Conv2d(1, 2, 1, bias=False)
        >>> _ = unit.weight.data.fill_(1)
        >>> module = nn.Sequential(
        ...     nn.Unflatten(1, (1, 2)), unit, nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten()
        ... )
        >>> score = ModuleScore(module, 0, lambda inputs: module(inputs).softmax(-1))
        >>> picture = Spectrogram(2 * torch.eye(2), torch.arange(2.0), torch.arange(2.0))
        >>> GuidedGradCam()(picture, score).attribution  # 0.25 times 0.125 * 2
        tensor([[0.0625, 0.0000],
                [0.0000, 0.0625]])
    """

    layer: str | None = None
    of: Of = "logit"
    sign: Sign = "positive"
    reshape: Reshape | None = None

    def __post_init__(self) -> None:
        check_choices(self.of, self.sign)
        _check_reshape(self.reshape)

    def __call__(self, spectrogram: Spectrogram, score_fn: ScoreFn) -> Explanation:
        """2 forward and backward passes, and 1 query; TypeError without a module to look into."""
        check_spectrogram(spectrogram)
        score, began = module_score(score_fn), time.perf_counter()
        with GuidedRelu(score.module) as guided:
            gradient = score.gradients(spectrogram.values[None], self.of)[0]
        maps = maps_of_layer(spectrogram, score, self.layer, of=self.of, reshape=self.reshape)
        warnings = _warnings(maps)
        if not guided.n_calls:
            warnings.append("the model has no ReLU: guided backpropagation is the plain gradient")
        return explain_by_gradients(
            spectrogram,
            score,
            "guided_grad_cam",
            self,
            attribution=gradient * _stretched(grad_cam_map(maps), spectrogram),
            began=began,
            n_gradients=2,
            sign=self.sign,
            findings={"layer": maps.name},
            warnings=warnings,
        )


def grad_cam_map(maps: LayerMaps) -> Tensor:
    """`[f, t]`, at least 0: the activations, weighted by the mean gradient of their channel."""
    weights = maps.gradients.mean(dim=(1, 2), keepdim=True)
    return (weights * maps.activations).sum(dim=0).clamp(min=0)


def grad_cam_plus_plus_map(maps: LayerMaps) -> Tensor:
    """`[f, t]`, at least 0: the activations, weighted by alpha and the positive gradients."""
    totals = maps.activations.sum(dim=(1, 2), keepdim=True)
    denominators = 2 + totals * maps.gradients
    denominators = denominators.where(denominators.abs() > _SMALLEST, _SMALLEST)
    weights = (maps.gradients.clamp(min=0) / denominators).sum(dim=(1, 2), keepdim=True)
    return (weights * maps.activations).sum(dim=0).clamp(min=0)


def _explain(
    explainer: GradCam | GradCamPlusPlus,
    method: str,
    formula: Callable[[LayerMaps], Tensor],
    spectrogram: Spectrogram,
    score_fn: ScoreFn,
) -> Explanation:
    check_spectrogram(spectrogram)
    score, began = module_score(score_fn), time.perf_counter()
    maps = maps_of_layer(
        spectrogram, score, explainer.layer, of=explainer.of, reshape=explainer.reshape
    )
    return explain_by_gradients(
        spectrogram,
        score,
        method,
        explainer,
        attribution=_stretched(formula(maps), spectrogram),
        began=began,
        n_gradients=1,
        findings={"layer": maps.name},
        warnings=_warnings(maps),
    )


def _check_reshape(reshape: object) -> None:
    if reshape is not None and not callable(reshape):
        raise TypeError(
            "reshape must be a function from a layer's output to maps [1, C, f, t], got "
            f"{reshape!r}"
        )


def _stretched(values: Tensor, spectrogram: Spectrogram) -> Tensor:
    """`[f, t]` to `[F, T]`; takes the layer's cells to lie evenly over the input."""
    shape = list(spectrogram.values.shape)
    picture = values[None, None].cpu()
    return F.interpolate(picture, size=shape, mode="bilinear", align_corners=False)[0, 0]


def _warnings(maps: LayerMaps) -> list[str]:
    if maps.activations[0].numel() > 1:
        return []
    return [f"layer {maps.name!r} gives one value for the whole input: name an earlier layer"]
