# %% [markdown]
# # Compare methods
#
# Several methods on several recordings whose truth is known, with the rows that keep everyone honest.

# %%
import torch

import daxaudio as dx

RATE = 16000


def make_clip(name, start, *, seed):
    """Noise of two seconds, an event of 3 kHz at `start`, a louder distractor of 500 Hz."""
    times = torch.arange(2 * RATE) / RATE
    wave = 0.01 * torch.randn(2 * RATE, generator=torch.Generator().manual_seed(seed))
    for frequency, first, loudness in ((3000, start, 0.1), (500, 1.5 - start, 0.4)):
        inside = (times >= first) & (times < first + 0.4)
        wave += loudness * inside * torch.sin(2 * torch.pi * frequency * times)
    return dx.Recording(wave[None], RATE, name)


# %% [markdown]
# The classifier hears two bands and nothing else, so that the right answer is known: the class "high" by the event,
# wherever the distractor lies.

# %%
from torch import nn

front_end = dx.LogMel(sample_rate=RATE, n_fft=512, hop_length=256, n_mels=32)


class TwoBands(nn.Module):
    """Logits of "high" and "low": how loud the band about 3 kHz is at its loudest."""

    def forward(self, spectrograms):
        band = (front_end.frequencies > 2600) & (front_end.frequencies < 3400)
        loudest = spectrograms[:, band].mean(dim=1).topk(10, dim=1).values.mean(dim=1)
        logit = (loudest - 2) / 5
        return torch.stack([logit, -logit], dim=1)


model = dx.BlackBox(TwoBands(), front_end, ["high", "low"])
clips = [make_clip(f"clip-{number}", 0.2 + 0.25 * number, seed=number) for number in range(5)]
truth = {
    clip.recording_id: [dx.Event(0.2 + 0.25 * n, 0.6 + 0.25 * n)] for n, clip in enumerate(clips)
}

# %% [markdown]
# ## All at once

# %%
methods = ["dax_v5", "rise", "lime", "random", "energy", "oracle"]
table = dx.compare(clips, model, methods, truth=truth, queries=300)
shown = ["method", "queries", "iou", "frame_auc", "average_precision", "deletion_auc"]
table[["recording_id", *shown]].head(6).round(2)

# %% [markdown]
# Means over the recordings. `oracle` is the ceiling of a measure, `random` and `energy` its floor: a method below
# one of these shows nothing.

# %%
table[shown].groupby("method", sort=False).mean().round(2)

# %% [markdown]
# ## Is one better than another?
#
# On the same recordings, by a paired test. With five recordings no difference can reach p < 0.05: the smallest p that
# the exact test can give is 0.0625.

# %%
wide = table.pivot(index="recording_id", columns="method", values="frame_auc")
print(dx.metrics.paired_comparison(wide["dax_v5"], wide["lime"]))
