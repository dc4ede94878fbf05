"""A recurrent network on short windows of log-mel spectrograms of any length.

All that happens to a spectrogram happens inside: deltas, normalisation over time, windows. What is
explained is then the log-mel spectrogram itself, and a mask on it changes all three as the real
thing would.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
import torchaudio
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from daxaudio.models.precision import run_or_fall_back

_LAYERS = 2
_LONGEST_WINDOW = 1 << 14  # frames; shorter recordings are filled up to a window
_UNITS_OF_HEAD = 64
_LEAST_DEVIATION = 1e-2  # dB; a band that is constant, as masked-off ones are, becomes 0
_FRAMES_AT_ONCE = 1 << 16  # features of so many frames are 50 MB at 64 bins
_WINDOWS_AT_ONCE = 256  # inside the network these take about 150 MB at 64 bins


class WindowBlstm(nn.Module):
    """A bidirectional LSTM on windows of log-mel, deltas and delta-deltas, `[N, F, T]` in dB.

    Features are normalised by the mean and deviation of each dimension over the recording. Each
    window of 51 frames gets one logit: two layers, mean over time, a hidden layer with tanh. The
    score of a recording is the mean of the windows' sigmoids, the probability of the second class;
    the two logits of `forward` have exactly this softmax.

    Source: the cough baseline of the second DiCOVA challenge (741,505 parameters at 64 bins, as
    here). We differ in this: windows at the end of a recording. There the frames after the last
    whole step are heard by no window; here, when scoring, one more window ends with the last
    frame, so that every frame may matter. Recordings shorter than a window are filled up with
    their mean. Deviations below 0.01 dB count as 0.01 dB (there 1e-10, which blows rounding errors
    of a constant band up to full size).

    Memory: features of 65,536 frames (or one recording) and 256 windows are in work at a time, so
    that scoring needs about 0.5 GB above the input itself at any N and T, and gradients little
    more (activations are computed again on the way back). The inputs are the larger part: 64 of
    10 minutes at 100 frames per second and 64 bins are 0.98 GB, so lower the `batch_size` of the
    black box for long recordings.

    Args:
        n_classes: 2, no other.
        n_bins: F.
        window: frames of a window.
        hop: frames from one window to the next when scoring.
        training_hop: the same in training.
        hidden: units of each direction.
        dropout: share of units left out in training, between the layers and before the last one.

    Raises:
        ValueError: when a size is out of range.

    Example:
        >>> network = WindowBlstm().eval()
        >>> sum(parameter.numel() for parameter in network.parameters())
        741505
        >>> network(torch.randn(2, 64, 130)).softmax(dim=1).sum(dim=1).round(decimals=5)
        tensor([1., 1.], grad_fn=<RoundBackward1>)
    """

    def __init__(
        self,
        n_classes: int = 2,
        *,
        n_bins: int = 64,
        window: int = 51,
        hop: int = 10,
        training_hop: int = 51,
        hidden: int = 128,
        dropout: float = 0.1,
    ) -> None:
        super().__init__()
        if n_classes != 2:
            raise ValueError(f"a blstm tells two classes apart, got n_classes {n_classes}")
        if min(n_bins, window, hop, training_hop, hidden) < 1 or max(hop, training_hop) > window:
            raise ValueError(
                "n_bins, window, hop, training_hop and hidden must be at least 1, and no hop "
                f"longer than the window, got {n_bins}, {window}, {hop}, {training_hop}, {hidden}"
            )
        if window > _LONGEST_WINDOW:
            raise ValueError(f"window must be at most {_LONGEST_WINDOW} frames, got {window}")
        if not 0 <= dropout < 1:
            raise ValueError(f"dropout must lie in [0, 1), got {dropout}")
        self.settings = {
            "kind": "blstm",
            "n_classes": n_classes,
            "n_bins": n_bins,
            "window": window,
            "hop": hop,
            "training_hop": training_hop,
            "hidden": hidden,
            "dropout": dropout,
        }
        self.window, self.hop, self.training_hop = window, hop, training_hop
        self.lstm = nn.LSTM(
            3 * n_bins, hidden, _LAYERS, batch_first=True, dropout=dropout, bidirectional=True
        )
        self.head = nn.Sequential(
            nn.Linear(2 * hidden, _UNITS_OF_HEAD),
            nn.Tanh(),
            nn.Dropout(dropout),
            nn.Linear(_UNITS_OF_HEAD, 1),
        )

    def forward(self, spectrograms: Tensor) -> Tensor:
        """Spectrograms `[N, F, T]` in dB, any T, to logits `[N, 2]` of whole recordings."""
        at_once = max(1, _FRAMES_AT_ONCE // spectrograms.shape[-1])
        return torch.cat([self._score(part) for part in spectrograms.split(at_once)])

    def _score(self, spectrograms: Tensor) -> Tensor:
        features = self.features(spectrograms)
        starts = window_starts(features.shape[1], self.window, self.hop, to_the_end=True)
        chunks = starts.split(max(1, _WINDOWS_AT_ONCE // len(spectrograms)))
        again = len(chunks) > 1 and torch.is_grad_enabled() and not self.training
        found = [
            # Activations of one chunk at a time are kept for a backward pass, not of all.
            checkpoint(self._logits_at, features, chunk, use_reentrant=False)
            if again
            else self._logits_at(features, chunk)
            for chunk in chunks
        ]
        z = torch.cat(found, dim=1)  # [N, windows]
        # The log of a mean of sigmoids, without the detour over a mean that may round to 0 or 1.
        pair = torch.stack([F.logsigmoid(-z), F.logsigmoid(z)], dim=1)
        return pair.logsumexp(dim=2) - torch.tensor(float(z.shape[1])).log()

    def _logits_at(self, features: Tensor, starts: Tensor) -> Tensor:
        """Logits `[N, w]` of the windows of features `[N, T, D]` at some starts `[w]`."""
        windows = cut_windows(features, starts, self.window)
        return self._logits(windows.flatten(0, 1)).view(windows.shape[:2])

    def _logits(self, windows: Tensor) -> Tensor:
        """One logit each `[n]` of windows `[n, L, D]`."""
        outputs, _ = run_or_fall_back(self.lstm, windows, "an LSTM")
        return self.head(outputs.mean(dim=1))[:, 0].float()

    def of_windows(self, windows: Tensor) -> Tensor:
        """Windows of features `[n, L, 3 F]` to logits `[n, 2]`: what training takes.

        Cross-entropy on these two is binary cross-entropy on the one logit of each window.
        """
        z = self._logits(windows)
        return torch.stack([F.logsigmoid(-z), F.logsigmoid(z)], dim=1)

    def training_windows(self, spectrogram: Tensor) -> Tensor:
        """Windows `[n, L, 3 F]` of one spectrogram `[F, T]` in dB, as training takes them.

        The frames after the last whole step are left out, as in the baseline.
        """
        features = self.features(spectrogram[None])
        starts = window_starts(features.shape[1], self.window, self.training_hop, to_the_end=False)
        return cut_windows(features, starts, self.window)[0]

    def features(self, spectrograms: Tensor) -> Tensor:
        """Log-mel, deltas and delta-deltas, normalised over time.

        Args:
            spectrograms: `[N, F, T]` in dB.

        Returns:
            `[N, T, 3 F]`, each dimension of each recording with mean 0 and deviation 1 (0 where it
            is constant), filled up with 0 where T is less than a window.
        """
        deltas = torchaudio.functional.compute_deltas(spectrograms)
        slopes = torchaudio.functional.compute_deltas(deltas)
        features = torch.cat([spectrograms, deltas, slopes], dim=1)
        features = features - features.mean(dim=2, keepdim=True)
        power = features.square().mean(dim=2, keepdim=True)
        # The square is limited, not its root: the gradient of a root at 0 is infinite.
        features = features / power.clamp(min=_LEAST_DEVIATION**2).sqrt()
        missing = max(0, self.window - features.shape[2])
        return F.pad(features, (0, missing)).transpose(1, 2).contiguous()


def window_starts(n_frames: int, window: int, hop: int, to_the_end: bool) -> Tensor:
    """First frames of the windows of a recording.

    Args:
        n_frames: T, at least `window`.
        window: frames of a window.
        hop: frames from one to the next.
        to_the_end: where frames are left over, one more window that ends with the last frame.

    Returns:
        int64, increasing.

    Example:
        >>> window_starts(12, window=5, hop=5, to_the_end=False)
        tensor([0, 5])
        >>> window_starts(12, window=5, hop=5, to_the_end=True)
        tensor([0, 5, 7])
    """
    last = n_frames - window
    starts = torch.arange(0, last + 1, hop)
    if to_the_end and int(starts[-1]) < last:
        starts = torch.cat([starts, torch.tensor([last])])
    return starts


def cut_windows(features: Tensor, starts: Tensor, window: int) -> Tensor:
    """Windows `[N, w, window, D]` of features `[N, T, D]` at some starts `[w]`."""
    places = starts[:, None] + torch.arange(window)
    return features[:, places.to(features.device)]
