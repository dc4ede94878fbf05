"""The two small networks of DAX: the mask network f_M and the student f_S.

The paper gives the number of layers; widths and kernels come from the authors' public image code
(github.com/iiscleap/DAX, `lime/student_ntw_learn.py`): 7 x 7 kernels and 32 channels in f_M, 3 x 3
kernels with 32 and 8 channels and 2 x 2 pooling in the convolutional student, 128 hidden units
after it, 512 in the fully connected student.
"""

from __future__ import annotations

from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

StudentName = Literal["2cnn_1fc", "2fc", "2cnn_2fc"]


class NarrowConv2d(nn.Conv2d):
    """A convolution that an accelerator runs well also from or to a single channel.

    The matrix units of an accelerator work on 8 or more channels at once and are idle for all but
    one where there is one. So there the columns of the kernel become channels: from one channel,
    the input is taken as often as the kernel is wide, each time moved by a frame, and convolved
    along frequency; to one channel, each column gives a map of its own, and these are moved and
    summed. The result differs by rounding alone. On a processor it is `nn.Conv2d`.

    Example:
        >>> layer = NarrowConv2d(1, 4, 3, padding=1)
        >>> inputs = torch.rand(2, 1, 8, 9)
        >>> torch.allclose(layer.by_columns(inputs), layer(inputs), atol=1e-5)
        True
    """

    def forward(self, inputs: Tensor) -> Tensor:
        """Inputs `[N, C, F, T]` to `[N, C', F, T]`."""
        narrow = 1 in (self.in_channels, self.out_channels)
        if inputs.device.type == "cpu" or not narrow:
            return super().forward(inputs)
        return self.by_columns(inputs)

    def by_columns(self, inputs: Tensor) -> Tensor:
        """The same, for a kernel with one channel on one side at least, of odd sides."""
        height, width = self.weight.shape[2:]
        rows, columns = height // 2, width // 2
        room = -width % 8  # channels in eights
        weight = F.pad(self.weight, (0, room))  # [C', C, height, width and room]
        kind = inputs.device.type
        if torch.is_autocast_enabled(kind):  # before it is taken several times
            inputs = inputs.to(torch.get_autocast_dtype(kind))
        if self.in_channels == 1:
            moved = F.pad(inputs[:, 0], (columns, columns + room)).unfold(2, width + room, 1)
            channels = moved.contiguous().permute(0, 3, 1, 2)  # [N, columns, F, T], channels-last
            turned = weight.transpose(1, 3).contiguous()
            return F.conv2d(channels, turned, self.bias, padding=(rows, 0))
        turned = weight[0].permute(2, 0, 1)[..., None].contiguous()
        maps = F.conv2d(inputs, turned, padding=(rows, 0))
        eye = torch.eye(width + room, width, dtype=maps.dtype, device=maps.device)
        return F.conv2d(maps, eye[None, :, None], self.bias, padding=(0, columns))


class MaskNetwork(nn.Module):
    """f_M: two convolutions and a sigmoid, from inputs to masks of the same size.

    Its filters are shared over the whole spectrogram, so it learns which textures carry evidence.

    Args:
        channels: feature maps between the two convolutions.
        kernel_size: odd side of both kernels, in bins and frames.

    Example:
        >>> MaskNetwork(channels=4)(torch.rand(2, 16, 30)).shape
        torch.Size([2, 16, 30])
    """

    def __init__(self, channels: int = 32, kernel_size: int = 7) -> None:
        super().__init__()
        if kernel_size % 2 == 0:
            raise ValueError(f"kernel_size must be odd, got {kernel_size}")
        padding = kernel_size // 2
        self.layers = nn.Sequential(
            NarrowConv2d(1, channels, kernel_size, padding=padding),
            nn.LeakyReLU(),
            NarrowConv2d(channels, 1, kernel_size, padding=padding),
            nn.Sigmoid(),
        )

    def forward(self, inputs: Tensor) -> Tensor:
        """Inputs `[N, F, T]` to masks `[N, F, T]` in [0, 1]."""
        return self.layers(inputs.unsqueeze(1)).squeeze(1)


class Student(nn.Module):
    """f_S: approximates the black box's score near one input (the rows of the paper's Table VI).

    Args:
        shape: (F, T) of the inputs.
        name: "2cnn_1fc", "2fc" or "2cnn_2fc".

    Raises:
        ValueError: when the name is unknown, or the input too small to be pooled twice.

    Example:
        >>> Student((16, 30), "2fc")(torch.rand(2, 16, 30)).shape
        torch.Size([2])
    """

    def __init__(self, shape: tuple[int, int], name: StudentName = "2cnn_1fc") -> None:
        super().__init__()
        n_inputs = shape[0] * shape[1]
        n_pooled = 8 * (shape[0] // 4) * (shape[1] // 4)
        if name == "2fc":
            layers = [nn.Flatten(), nn.Linear(n_inputs, 512), nn.LeakyReLU(), nn.Linear(512, 1)]
        elif name not in ("2cnn_1fc", "2cnn_2fc"):
            raise ValueError(f"student must be '2cnn_1fc', '2fc' or '2cnn_2fc', got {name!r}")
        elif n_pooled == 0:
            raise ValueError(f"a convolutional student needs at least 4 x 4 inputs, got {shape}")
        else:
            head: list[nn.Module] = [nn.Linear(n_pooled, 1)]
            if name == "2cnn_2fc":
                head = [nn.Linear(n_pooled, 128), nn.LeakyReLU(), nn.Linear(128, 1)]
            layers = [*_convolution(1, 32), *_convolution(32, 8), nn.Flatten(), *head]
        self.layers = nn.Sequential(*layers, nn.Sigmoid())

    def forward(self, inputs: Tensor) -> Tensor:
        """Inputs `[N, F, T]` to scores `[N]` in [0, 1]."""
        return self.layers(inputs.unsqueeze(1)).squeeze(1)


class BlockMaskNetwork(nn.Module):
    """f_M as the authors' code has it: masks that are constant in blocks, scaled by their batch.

    The largest value of each block stands for it, and the smallest and largest value of the whole
    batch become 0 and 1; there is no sigmoid, and no training mode.

    Args:
        channels: feature maps between the two convolutions.
        kernel_size: odd side of both kernels, in bins and frames.
        block: side of the blocks; inputs are whole multiples of it.

    Example:
        >>> masks = BlockMaskNetwork(channels=4, block=4)(torch.rand(2, 16, 32))
        >>> masks.shape, masks.min().item(), masks.max().item()
        (torch.Size([2, 16, 32]), 0.0, 1.0)
    """

    def __init__(self, channels: int = 32, kernel_size: int = 7, block: int = 8) -> None:
        super().__init__()
        padding = kernel_size // 2
        self.layers = nn.Sequential(
            NarrowConv2d(1, channels, kernel_size, padding=padding),
            nn.LeakyReLU(),
            NarrowConv2d(channels, 1, kernel_size, padding=padding),
            nn.LeakyReLU(),
            nn.MaxPool2d(block),
            nn.Upsample(scale_factor=block),
            nn.LeakyReLU(),
        )

    def forward(self, inputs: Tensor) -> Tensor:
        """Inputs `[N, F, T]` to masks `[N, F, T]` in [0, 1]."""
        found = self.layers(inputs.unsqueeze(1)).squeeze(1)
        low, high = found.min(), found.max()
        return (found - low) / (high - low).clamp(min=1e-12)


class NormalisedStudent(nn.Module):
    """f_S as the authors' code has it: fully connected, with batch normalisation and dropout.

    Args:
        shape: (F, T) of the inputs.

    Example:
        >>> NormalisedStudent((16, 30))(torch.rand(2, 16, 30)).shape
        torch.Size([2])
    """

    def __init__(self, shape: tuple[int, int]) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Flatten(),
            nn.Linear(shape[0] * shape[1], 512),
            nn.LeakyReLU(),
            nn.BatchNorm1d(512),
            nn.Dropout(0.1),
            nn.Linear(512, 1),
            nn.Sigmoid(),
        )

    def forward(self, inputs: Tensor) -> Tensor:
        """Inputs `[N, F, T]` to scores `[N]` in [0, 1]."""
        return self.layers(inputs).squeeze(1)


def _convolution(n_in: int, n_out: int) -> list[nn.Module]:
    # The rectifier grows with its input, so that it may come after the pooling, on a quarter.
    return [NarrowConv2d(n_in, n_out, 3, padding=1), nn.MaxPool2d(2), nn.LeakyReLU()]


def soft_histogram(scores: Tensor, n_bins: int = 10, width: float = 0.05) -> Tensor:
    """Share of scores near each of `n_bins` centres in [0, 1], differentiable.

    Each score is spread over the bins by a Gaussian of deviation `width`, then shares sum to 1.

    Args:
        scores: `[N]` in [0, 1].
        n_bins: number of bins.
        width: standard deviation of the Gaussian, in score units.

    Returns:
        `[n_bins]`, positive, sum 1.

    Example:
        >>> int(soft_histogram(torch.tensor([0.05, 0.05, 0.95])).argmax())
        0
    """
    centres = (torch.arange(n_bins, device=scores.device) + 0.5) / n_bins
    near = torch.exp(-0.5 * ((scores[:, None] - centres) / width) ** 2) + 1e-6
    return (near / near.sum(dim=1, keepdim=True)).mean(dim=0)
