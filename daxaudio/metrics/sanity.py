"""Model-parameter randomisation: does an explanation depend on what the model has learned?

A classifier's layers are randomised one after the other, and the explanation is made again. If the
mask stays as it was, it shows the recording and not the classifier (Adebayo et al. 2018, "Sanity
checks for saliency maps").
"""

from __future__ import annotations

import copy
import dataclasses
import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from statistics import fmean

import torch
from torch import Tensor, nn

from daxaudio.metrics.form import histogram_entropy, rank_correlation, structural_similarity
from daxaudio.runs.seeds import derive_seed, generator

ALIKE = 0.5
"""Mean rank correlation from which masks count as the same: a quarter of the variance of the ranks
is shared. A method that does not ask the model has 1; for those that do, see `sanity_check`."""


def randomise_cascade(
    module: nn.Module, seed: int = 0, n_stages: int | None = None
) -> Iterator[tuple[str, nn.Module]]:
    """Copies of a module with more and more of its layers at random, from the output to the input.

    Source: the cascading randomisation of Adebayo et al. 2018. Differs in what a random layer is:
    its trained values in a random order (each weight tensor and each bias by itself), not values
    drawn anew. So each layer keeps the mean and the deviation of its weights, and loses all that it
    has learned in how they are arranged. Batch norm keeps the channels' gains, offsets and running
    statistics too, all four in one random order: they belong together.

    Drawn anew by `reset_parameters`, with the running statistics reset, a trained
    `SpectrogramResNet` answers nearly the same to every input: over perturbed inputs the scores
    deviate by 0.1 % of their size or less at depths 18 and 101. Such a score is too flat to
    explain, and any method would pass. Weights drawn to keep the signal's size (He et al. 2015), or
    a random order with the running statistics reset, let the sums of 33 residual blocks grow to
    logits of several thousand. In random order the scores deviate by 0.4 to 1 %, and the logits
    stay below 2, at both depths.

    Layers are the children of the module, taken in reverse order of registration: it is assumed
    that they are registered as they are applied. A module with one child that has parameters is
    opened. A child that holds layers (a residual block, a `Sequential` of blocks, an attention
    layer) is randomised as one; a normalisation goes with the layer before it. Parameters that a
    module itself holds come last. Other buffers, such as the mean and deviation of the input, stay
    as they are. So does what has no arrangement: a single value, or a tensor of equal ones.

    Args:
        module: untouched. Its parameters must be plain tensors.
        seed: each tensor's order is drawn from (seed, its name).
        n_stages: put the layers together into at most so many stages, as equal in number as
            possible; None for a stage a layer.

    Yields:
        The name of the layer down to which all is random, and a copy of the module. The last copy
        is random in all layers.

    Raises:
        ValueError: when `n_stages` is below 1, or the module has no parameters.

    Example:
        >>> from daxaudio.models.resnet import SpectrogramResNet
        >>> [name.removeprefix("network.") for name, _ in randomise_cascade(SpectrogramResNet(2))]
        ['fc', 'layer4', 'layer3', 'layer2', 'layer1', 'conv1']
    """
    if n_stages is not None and n_stages < 1:
        raise ValueError(f"n_stages must be at least 1, got {n_stages}")
    layers = _layers(module)
    if not layers:
        raise ValueError("the module has no parameters; there is nothing to randomise")
    layers.reverse()
    n_stages = min(n_stages or len(layers), len(layers))
    return _cascade(module, layers, seed, n_stages)


def _cascade(
    module: nn.Module, layers: list[tuple[str, list[str]]], seed: int, n_stages: int
) -> Iterator[tuple[str, nn.Module]]:
    randomised = copy.deepcopy(module)
    done = 0
    for stage in range(1, n_stages + 1):
        until = stage * len(layers) // n_stages
        for _, prefixes in layers[done:until]:
            _shuffle(randomised, prefixes, seed)
        done = until
        yield layers[done - 1][0], copy.deepcopy(randomised)


def _layers(module: nn.Module, prefix: str = "") -> list[tuple[str, list[str]]]:
    """Name of each layer, and the names of what is shuffled with it, in order of registration.

    A name that ends in a dot stands for all below it, another one for a parameter.
    """
    own = [prefix + name for name, _ in module.named_parameters(recurse=False)]
    children = [
        (prefix + name, child)
        for name, child in module.named_children()
        if any(True for _ in child.parameters())
    ]
    if not own and len(children) == 1 and any(True for _ in children[0][1].children()):
        return _layers(children[0][1], f"{children[0][0]}.")
    layers = [(name, [name]) for name in own]
    for name, child in children:
        if layers and isinstance(child, _NORMS):
            layers[-1][1].append(f"{name}.")
        else:
            layers.append((name, [f"{name}."]))
    return layers


_NORMS = (
    nn.BatchNorm1d,
    nn.BatchNorm2d,
    nn.BatchNorm3d,
    nn.SyncBatchNorm,
    nn.InstanceNorm1d,
    nn.InstanceNorm2d,
    nn.InstanceNorm3d,
    nn.LayerNorm,
    nn.GroupNorm,
)

_OF_CHANNELS = ("weight", "bias", "running_mean", "running_var")


@torch.no_grad()
def _shuffle(module: nn.Module, prefixes: list[str], seed: int) -> None:
    """Shuffle in place the parameters whose names are, or begin with, one of the prefixes."""
    for layer_name, layer in module.named_modules():
        start = f"{layer_name}." if layer_name else ""
        own = dict(layer.named_parameters(recurse=False))
        chosen = [name for name in own if (start + name).startswith(tuple(prefixes))]
        if isinstance(layer, _NORMS) and chosen:
            vectors = [getattr(layer, name, None) for name in _OF_CHANNELS]
            _reorder([v for v in vectors if isinstance(v, Tensor)], seed, layer_name)
        else:
            for name in chosen:
                _reorder([own[name]], seed, start + name)


def _reorder(tensors: list[Tensor], seed: int, name: str) -> None:
    """Put the values of tensors of one size into one random order."""
    order = torch.randperm(tensors[0].numel(), generator=generator(seed, "randomise", name))
    for tensor in tensors:
        tensor.copy_(tensor.flatten()[order.to(tensor.device)].view(tensor.shape))


@dataclasses.dataclass(frozen=True)
class Stage:
    """How alike an explanation is after some layers have been randomised.

    Args:
        name: the layer down to which all is random, from the output.
        correlation: Spearman's, of the mask with that of the trained model, mean over all
            masks of this stage; a flat one is left out, NaN where all are flat.
        absolute: the same, mean of the absolute values: a mask and its opposite are the same.
        ssim: structural similarity of the two, mean over all masks.
    """

    name: str
    correlation: float
    absolute: float
    ssim: float


@dataclasses.dataclass(frozen=True)
class SanityCheck:
    """How an explanation changes while a model is randomised.

    Args:
        stages: at least one; all layers are random in the last.

    Raises:
        ValueError: when there is no stage.

    Example:
        >>> check = SanityCheck((Stage("fc", 0.8, 0.8, 0.7), Stage("conv1", -0.1, 0.4, 0.2)))
        >>> check.correlation, check.passes
        (-0.1, True)
    """

    stages: tuple[Stage, ...]

    def __post_init__(self) -> None:
        if not self.stages:
            raise ValueError("a sanity check needs at least one stage")

    @property
    def correlation(self) -> float:
        """Spearman's rank correlation where all is random; NaN where every mask is flat."""
        return self.stages[-1].correlation

    @property
    def absolute(self) -> float:
        """The same regardless of sign."""
        return self.stages[-1].absolute

    @property
    def ssim(self) -> float:
        """Structural similarity where all is random."""
        return self.stages[-1].ssim

    @property
    def passes(self) -> bool:
        """Whether the mask depends on the model, and not on the recording alone.

        The rank correlation where all is random must lie between -`ALIKE` and `ALIKE`. Masks that
        became flat pass as well: the method found nothing to mark in a model that has learned
        nothing.
        """
        return math.isnan(self.correlation) or abs(self.correlation) < ALIKE


def sanity_check(
    explain: Callable[[nn.Module], Tensor],
    module: nn.Module,
    mask: Tensor,
    *,
    seed: int = 0,
    n_stages: int | None = None,
    n_models: int = 1,
) -> SanityCheck:
    """Explain again while the model is randomised, and compare each mask with the trained model's.

    One random model tells little about a method that asks the model. It, too, hears the difference
    between an event and the noise around it; what is random is whether a class's score rises or
    falls by it. So a faithful mask of one class is often like that of the trained model, or like
    its opposite: on two noise-padded clips such correlations of DAX V4 lay between -0.9 and 0.9,
    those of RISE between -0.8 and 0.6. Take the mean over many random models, or over several
    classes of one, which are as good as drawn at random: over ten classes it was below 0.2 there.
    Classes are cheap, as a black box answers for all at once; but their scores sum to one, so that
    a method which is linear in the scores (RISE) has a mean of about 0 over all of them whatever
    the model.

    What remains is what a method shows whatever the scores are. So the check finds methods that
    follow the recording and not the model, such as an edge detector. How few different masks a
    recording leaves room for is told by `absolute`.

    Source: Adebayo et al. 2018. Differs in these means; they correlate the maps of one class, with
    and without their sign.

    Args:
        explain: a module, like the given one, to the mask `[F, T]` of the same recording and class
            by the same method, or to those `[K, F, T]` of K classes. Its random draws should be
            those of `mask`, so that nothing but the model differs.
        module: the trained model; untouched.
        mask: `[F, T]` of the trained model; at least 3 bins and 3 frames.
        seed: of the randomisation.
        n_stages: see `randomise_cascade`; 1 randomises all at once, and asks least.
        n_models: how many random models to take the mean over.

    Returns:
        The similarities, one entry a stage.

    Raises:
        ValueError: when `n_models` is below 1, `mask` is flat or another mask has another shape,
            or see `randomise_cascade`.

    Example:
        >>> picture = torch.arange(12.0).view(3, 4)
        >>> sanity_check(lambda module: picture, nn.Linear(4, 2), picture, n_stages=1).passes
        False
    """
    if n_models < 1:
        raise ValueError(f"n_models must be at least 1, got {n_models}")
    if float(mask.max()) == float(mask.min()):
        raise ValueError("the trained model's mask is flat; there is nothing to check")
    cascades = [
        randomise_cascade(module, derive_seed(seed, "model", index), n_stages)
        for index in range(n_models)
    ]
    stages = zip(*cascades, strict=True)
    return SanityCheck(tuple(_compare(mask.cpu(), explain, models) for models in stages))


def _compare(
    mask: Tensor, explain: Callable[[nn.Module], Tensor], models: Sequence[tuple[str, nn.Module]]
) -> Stage:
    """One stage of several cascades."""
    found = [explain(model).cpu() for _, model in models]
    masks = torch.cat([masks if masks.ndim == 3 else masks[None] for masks in found])
    return compare_stage(models[0][0], mask, masks)


def compare_stage(name: str, mask: Tensor, others: Tensor) -> Stage:
    """How alike a mask is to those of models with random layers.

    Args:
        name: of the stage.
        mask: `[F, T]` of the trained model.
        others: `[K, F, T]`, of several classes or random models.

    Example:
        >>> picture = torch.arange(12.0).view(3, 4)
        >>> stage = compare_stage("fc", picture, torch.stack([picture, -picture]))
        >>> stage.correlation, round(stage.absolute, 3)
        (0.0, 1.0)
    """
    correlations = [rank_correlation(mask, other) for other in others]
    defined = [value for value in correlations if not math.isnan(value)] or [math.nan]
    similarity = fmean(structural_similarity(mask, other) for other in others)
    return Stage(name, fmean(defined), fmean(map(abs, defined)), similarity)


def complexity_rise(attribution: Tensor, others: Iterable[Tensor]) -> float:
    """How much more complex an explanation is made by a model whose layers are all at random.

    A model that has learned nothing gives nothing to explain, and what a method then shows should
    look like noise. A method that shows the recording, whatever the model, makes as complex a map
    as before. No two maps are compared with each other, so that it plays no part how few different
    ones a recording leaves room for.

    Source: the efficient model parameter randomisation test of Hedström et al. 2024 ("A fresh look
    at sanity checks for saliency maps"), with the entropy of 100 histogram bins as complexity.
    Differs in the mean over several random maps, and in what a random layer is: see
    `randomise_cascade`.

    Args:
        attribution: `[F, T]` of the trained model, before it was scaled to a mask.
        others: `[F, T]` each, at least one: of models that are random in all layers, or of several
            classes of one.

    Returns:
        The mean of (H(other) - H(attribution)) / H(attribution), from -1; higher is better. NaN
        where the trained model's is flat.

    Example:
        >>> peak, noise = torch.eye(4), torch.arange(16.0).view(4, 4)
        >>> complexity_rise(noise, [noise]), complexity_rise(peak, [noise]) > 1
        (0.0, True)
    """
    before = histogram_entropy(attribution)
    if before == 0:
        return math.nan
    return fmean(histogram_entropy(other) / before - 1 for other in others)
