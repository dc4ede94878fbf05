# %% [markdown]
# # A clip of your own
#
# What a classifier listened to in one recording, from the file to the verdict. The recording here is made, so
# that the truth is known; put the path of a file of yours in its place.

# %% [markdown]
# ## A recording and a classifier
#
# Two seconds of noise with a tone of 3 kHz from 0.8 to 1.4 s, and a louder one of 500 Hz before it.

# %%
import torch

import daxaudio as dx

RATE = 16000


def make_clip(name, *tones, seed=0):
    """Noise of two seconds with tones: (frequency in Hz, start and end in s, amplitude)."""
    noise = torch.randn(2 * RATE, generator=torch.Generator().manual_seed(seed))
    times = torch.arange(2 * RATE) / RATE
    wave = 0.01 * noise
    for frequency, start, end, amplitude in tones:
        inside = (times >= start) & (times < end)
        wave += amplitude * inside * torch.sin(2 * torch.pi * frequency * times)
    return dx.Recording(wave[None], RATE, name)


truth = dx.Event(0.8, 1.4, "high")
made = make_clip("clip", (3000, 0.8, 1.4, 0.2), (500, 0.2, 0.6, 0.4))
dx.write_recording(recording=made, path="clip.wav")
clip = dx.read_recording("clip.wav")
print(f"{clip.recording_id}: {clip.duration} s at {clip.sample_rate} Hz")

# %% [markdown]
# The classifier is a small residual network. It learns to tell high tones from low ones, in a few seconds.
# `daxaudio train` does the same from a data folder, and `dx.load_black_box` reads what it leaves.

# %%
from daxaudio.models.augmentation import Augmentation
from daxaudio.models.resnet import SpectrogramResNet
from daxaudio.models.training import Trainer, TrainingSettings

front_end = dx.LogMel(sample_rate=RATE, n_fft=512, hop_length=256, n_mels=32)
recordings, labels = [], []
for number in range(24):
    start = 0.1 + 0.06 * number
    for name, frequency in (("low", 700.0), ("high", 3000.0)):
        tone = (frequency, start, start + 0.4, 0.2)
        recordings.append(make_clip(f"{name}-{number}", tone, seed=number))
        labels.append(name)

torch.manual_seed(0)
network = SpectrogramResNet(2, depth=10, mean=-60, std=15, width=8)
settings = TrainingSettings(epochs=8, batch_size=8)
augmentation = Augmentation(padding_probability=0, mixup_alpha=0)
trainer = Trainer(network, front_end, settings, augmentation)
history = trainer.run(recordings, [["low", "high"].index(label) for label in labels])
model = dx.BlackBox(network, front_end, ["low", "high"])
print(f"accuracy on what it learnt from: {history[-1]['accuracy']:.2f}")

# %% [markdown]
# ## Where did it listen?
#
# Query access is all that `dax_v5` needs. The classifier is asked 500 times, and a few times more for its
# prediction and for what the mask keeps and leaves.

# %%
explanation = dx.explain(clip, model, "dax_v5", queries=500)
print(f"{explanation.target}, score {explanation.score:.2f}, {explanation.n_queries} queries")
print(explanation.warnings or "no warning")

# %%
axes = explanation.plot()

# %% [markdown]
# The stretches of time that are marked, beside the truth:

# %%
for event in explanation.events():
    print(f"{event.start:.2f} to {event.end:.2f} s")
print(f"truth: {truth.start:.2f} to {truth.end:.2f} s")

# %% [markdown]
# ## Should I believe it?

# %%
verdict = dx.judge(explanation, model)
for finding in verdict.findings:
    print({True: "+", False: "-", None: " "}[finding.good], finding.sentence)
print(verdict.summary)

# %% [markdown]
# ## Against the truth
#
# Only where it is known. What each measure says is on the page of [measures](../measures.md).

# %%
dx.evaluate(explanation, [truth])

# %% [markdown]
# ## Keep it

# %%
explanation.plot("explanation.png")
dx.save_explanation(explanation=explanation, folder="explanation")
print(dx.load_explanation("explanation").target)
