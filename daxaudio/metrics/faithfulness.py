"""Does the black box hear the same in the masked input: the measures of the L-MAC paper.

Conventions: p is the probability of the explained class for the input as it is, q that for the
input with only the mask's part kept, r that for the input with only the mask's part taken away. A
part is masked off as everywhere here: the background is mixed into the input by the mask.
All values are shares; tables of L-MAC print the first three times 100. Means over recordings are
the numbers that papers report.

| measure | formula | better |
|---|---|---|
| `average_drop` | max(0, p - q) / p | lower |
| `average_increase` | 1 when q > p, else 0 | higher |
| `average_gain` | max(0, q - p) / (1 - p) | higher |
| faithfulness | p - r | higher |
| input fidelity | 1 when input and masked input have one most probable class, else 0 | higher |

Source: Paissan et al. 2024 (L-MAC) and its recipe in SpeechBrain (`recipes/ESC50/interpret`); the
first two are of Chattopadhay et al. 2018 (Grad-CAM++), the third of Zhang et al. 2023 (Opti-CAM).
We differ so:

- The recipe multiplies log(1 + magnitude) of a linear-frequency spectrogram by the mask, so that
  masked off means silence. Here it means the background, in the spectrogram that the black box
  takes. Where silence is itself far from the training data, their drop is larger.
- Its classes are always the predicted ones; ours is the explained one. Explain the predicted class
  for numbers that compare.
- It applies the softmax to probabilities once more within the average drop, which makes that number
  smaller than the formula. Ours is the formula.
- It adds 1e-10 to denominators. Ours give 0 when there is nothing to lose or to gain.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import torch
from torch import Tensor

from daxaudio.metrics.deletion import check_masks
from daxaudio.runs.asking import Mix, ask_classes
from daxaudio.runs.batches import BatchSize, fit_batch

ROUNDING = 1e-6
"""The masked input of a mask of ones is the input itself; a change so small is no increase."""


def average_drop(score: float, masked_score: float) -> float:
    """Share of the score that is lost when only the mask's part is kept.

    Args:
        score: probability of the class for the input, in [0, 1].
        masked_score: the same for the masked input.

    Returns:
        In [0, 1], 0 is best; 0 when the score is 0, for there is nothing to lose.

    Example:
        >>> average_drop(0.5, 0.375), average_drop(0.5, 0.75)
        (0.25, 0.0)
    """
    return max(0.0, score - masked_score) / score if score > 0 else 0.0


def average_increase(score: float, masked_score: float) -> float:
    """Whether the masked input scores more than the input, by more than rounding (1e-6).

    Args:
        score: probability of the class for the input, in [0, 1].
        masked_score: the same for the masked input.

    Returns:
        1 (best) or 0.

    Example:
        >>> average_increase(0.8, 0.9), average_increase(0.8, 0.8)
        (1.0, 0.0)
    """
    return float(masked_score > score + ROUNDING)


def average_gain(score: float, masked_score: float) -> float:
    """Share of the room above the score that the masked input gains.

    Args:
        score: probability of the class for the input, in [0, 1].
        masked_score: the same for the masked input.

    Returns:
        In [0, 1], 1 is best; 0 when the gain is below 1e-6, which is rounding, and so when the
        score is 1.

    Example:
        >>> average_gain(0.5, 0.75), average_gain(0.5, 0.25)
        (0.5, 0.0)
    """
    gain = masked_score - score
    return gain / (1 - score) if gain > ROUNDING else 0.0


def faithfulness_measures(
    masks: Tensor,
    values: Tensor,
    background: Tensor,
    class_probabilities: Callable[[Tensor], Tensor],
    *,
    index: int,
    batch_size: BatchSize = "auto",
    mix: Mix = torch.lerp,
) -> list[dict[str, float]]:
    """All five measures of M masks of one recording, asked together.

    Args:
        masks: `[M, F, T]` in [0, 1], one a method; 1 is most salient.
        values: `[F, T]` the input.
        background: `[F, T]`, what stands where a part is masked off.
        class_probabilities: `[n, F, T]` spectrograms to probabilities `[n, C]`. Asked 2 M + 1
            times.
        index: of the explained class, from 0 to C - 1.
        batch_size: inputs made at once; changes memory, never the result.
        mix: how the background goes into the input; as it is by default.

    Returns:
        One dictionary a mask, in their order: `average_drop`, `average_increase`, `average_gain`,
        `faithfulness` (in [-1, 1]), `input_fidelity`.

    Raises:
        ValueError: when shapes disagree, a mask leaves [0, 1], `batch_size` is below 1, or
            `class_probabilities` does not give probabilities that have such a class.

    Example:
        >>> values, background = torch.tensor([[1.0, 1.0]]), torch.tensor([[0.0, 0.0]])
        >>> def hears_the_first_frame(inputs):
        ...     return torch.stack([inputs[:, 0, 0], 1 - inputs[:, 0, 0]], dim=1)
        >>> masks = torch.tensor([[[1.0, 0.0]], [[0.0, 1.0]]])
        >>> found = faithfulness_measures(masks, values, background, hears_the_first_frame, index=0)
        >>> [(one["average_drop"], one["faithfulness"], one["input_fidelity"]) for one in found]
        [(0.0, 1.0, 1.0), (1.0, 0.0, 0.0)]
    """
    check_masks(masks, values, background, batch_size)
    at_once = fit_batch(batch_size, values.shape, values.device)
    inputs = (mix(background, values, part) for part in _weights(masks.to(values), at_once))
    probabilities = torch.cat([ask_classes(class_probabilities, batch) for batch in inputs])
    if not 0 <= index < probabilities.shape[1]:
        raise ValueError(f"index must be a class from 0 to {probabilities.shape[1] - 1}: {index}")
    scores, classes = probabilities[:, index].tolist(), probabilities.argmax(dim=1).tolist()
    score, kept, removed = scores[0], scores[1::2], scores[2::2]
    return [
        {
            "average_drop": average_drop(score, masked),
            "average_increase": average_increase(score, masked),
            "average_gain": average_gain(score, masked),
            "faithfulness": score - without,
            "input_fidelity": float(found == classes[0]),
        }
        for masked, without, found in zip(kept, removed, classes[1::2], strict=True)
    ]


def _weights(masks: Tensor, batch_size: int) -> Iterator[Tensor]:
    """Ones, then for each mask what it keeps and what it leaves; `[n, F, T]` at a time."""
    n_inputs = 2 * len(masks) + 1
    for start in range(0, n_inputs, batch_size):
        rows = range(start, min(start + batch_size, n_inputs))
        yield torch.stack([_weight(masks, row) for row in rows])


def _weight(masks: Tensor, row: int) -> Tensor:
    if row == 0:
        return torch.ones_like(masks[0])
    mask = masks[(row - 1) // 2]
    return mask if row % 2 else 1 - mask
