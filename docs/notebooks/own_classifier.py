# %% [markdown]
# # A classifier of your own
#
# Any function from spectrograms to scores can be explained: a service, a file of another framework, a rule. Here
# it is a classifier by scikit-learn on a few features, of which nothing but its answers is used.

# %%
import numpy as np
import torch
from sklearn.linear_model import LogisticRegression

import daxaudio as dx

RATE = 16000
front_end = dx.LogMel(sample_rate=RATE, n_fft=512, hop_length=256, n_mels=32)


def make_clip(name, centre, *, chirp, seed):
    """Noise of two seconds with a chirp or a steady tone of half a second around a moment."""
    times = torch.arange(2 * RATE) / RATE
    noise = 0.01 * torch.randn(2 * RATE, generator=torch.Generator().manual_seed(seed))
    inside = (times - centre).abs() < 0.25
    frequency = 1000 + chirp * 4000 * (times - centre + 0.25)
    phase = 2 * torch.pi * torch.cumsum(frequency, 0) / RATE
    return dx.Recording((noise + 0.2 * inside * torch.sin(phase))[None], RATE, name)


# %% [markdown]
# ## The classifier
#
# It looks at how loud each band is at its loudest, and learns which bands tell a chirp from a steady tone.


# %%
def features(spectrograms):
    """Loudest level of each band: `[N, F, T]` in dB to `[N, F]`."""
    return np.asarray(spectrograms).max(axis=2)


random = np.random.default_rng(0)
clips, labels = [], []
for number in range(40):
    chirp = number % 2 == 0
    clips.append(make_clip(f"clip-{number}", random.uniform(0.4, 1.6), chirp=chirp, seed=number))
    labels.append(chirp)
inputs = np.stack([front_end.spectrogram(clip).values.numpy() for clip in clips])
classifier = LogisticRegression(max_iter=1000).fit(features(inputs), labels)
print(f"accuracy on what it learnt from: {classifier.score(features(inputs), labels):.2f}")

# %% [markdown]
# ## As a black box
#
# A function from `[N, F, T]` spectrograms to N scores. It may name the class that it scores.


# %%
def score_fn(spectrograms):
    """How sure the classifier is of a chirp."""
    return classifier.predict_proba(features(spectrograms))[:, 1]


score_fn.target = "chirp"

# %% [markdown]
# What is explained is the spectrogram that the function takes.

# %%
clip = make_clip("new", 1.2, chirp=True, seed=99)
spectrogram = front_end.spectrogram(clip)
explanation = dx.explain(spectrogram, score_fn, "dax_v5", queries=500)
axes = explanation.plot()

# %%
for event in explanation.events():
    print(f"marked: {event.start:.2f} to {event.end:.2f} s; the chirp: 0.95 to 1.45 s")

# %% [markdown]
# ## Should I believe it?
#
# With a function alone nothing is known of other classes, and no weights can be shuffled; the other checks work
# as they do for a `BlackBox`.

# %%
print(dx.judge(explanation, score_fn).summary)
