import math

import pytest
import torch

from daxaudio.containers import Recording
from daxaudio.features.frontends import LogMel
from daxaudio.models.augmentation import Augmentation
from daxaudio.models.precision import choose_precision
from daxaudio.models.resnet import SpectrogramResNet
from daxaudio.models.training import (
    CHECKPOINT_FILE,
    Trainer,
    TrainingSettings,
    measure_normalisation,
)
from daxaudio.runs.seeds import generator

FRONT_END = LogMel(sample_rate=8000, n_fft=256, hop_length=128, n_mels=16)
PLAIN = Augmentation(padding_probability=0, frequency_mask=0, time_mask=0, mixup_alpha=0)


def tones(n=16):
    """Half low tones (label 0), half high ones (label 1), in noise."""
    recordings, labels = [], []
    for i in range(n):
        noise = 0.05 * torch.randn(4000, generator=generator(i, "noise"))
        wave = torch.sin(2 * math.pi * (400, 2500)[i % 2] * torch.arange(4000) / 8000)
        recordings.append(Recording((wave + noise)[None], 8000, f"tone{i}"))
        labels.append(i % 2)
    return recordings, labels


def trainer(epochs=3, seed=0, augmentation=None, **settings):
    torch.manual_seed(5)
    module = SpectrogramResNet(2, depth=10, width=16, mean=-30.0, std=20.0)
    length = TrainingSettings(epochs=epochs, batch_size=8, **settings)
    return Trainer(module, FRONT_END, length, augmentation or Augmentation(), seed=seed)


def weights(trained):
    return torch.cat([value.flatten().float() for value in trained.module.state_dict().values()])


def test_loss_falls_and_training_recordings_are_learnt():
    recordings, labels = tones()
    trained = trainer(epochs=8, augmentation=PLAIN)
    rows = trained.run(recordings, labels)
    assert rows[-1]["loss"] < 0.8 * rows[0]["loss"]
    # normalised by their own batch: 16 steps are too few for the running statistics to settle
    values = torch.stack([FRONT_END.spectrogram(recording).values for recording in recordings])
    with torch.no_grad():
        assert trained.module.train()(values).argmax(dim=1).tolist() == labels


def test_same_seed_gives_the_same_weights_and_another_seed_does_not():
    first, again, other = trainer(epochs=1), trainer(epochs=1), trainer(epochs=1, seed=1)
    for trained in (first, again, other):
        trained.run(*tones(8))
    assert torch.equal(weights(first), weights(again))
    assert not torch.equal(weights(first), weights(other))


def test_stopped_and_resumed_run_equals_an_uninterrupted_one(tmp_path, monkeypatch):
    whole = trainer(epochs=3)
    expected = whole.run(*tones(8))

    interrupted = trainer(epochs=3)
    real_epoch = interrupted._epoch

    def stop_at_the_third(epoch, *rest):
        if epoch == 2:
            raise KeyboardInterrupt
        return real_epoch(epoch, *rest)

    monkeypatch.setattr(interrupted, "_epoch", stop_at_the_third)
    with pytest.raises(KeyboardInterrupt):
        interrupted.run(*tones(8), tmp_path)
    resumed = trainer(epochs=3)
    rows = resumed.run(*tones(8), tmp_path)
    assert torch.equal(weights(whole), weights(resumed))
    assert [row["loss"] for row in rows] == [row["loss"] for row in expected]


def test_checkpoint_of_other_settings_is_refused(tmp_path):
    trainer(epochs=1).run(*tones(8), tmp_path)
    assert (tmp_path / CHECKPOINT_FILE).is_file()
    with pytest.raises(ValueError, match="of a run with other settings or recordings"):
        trainer(epochs=2).run(*tones(8), tmp_path)


def test_checkpoint_of_other_recordings_is_refused(tmp_path):
    trainer(epochs=1).run(*tones(8), tmp_path)
    with pytest.raises(ValueError, match="other settings or recordings"):
        trainer(epochs=1).run(*tones(6), tmp_path)


def test_global_random_state_is_untouched():
    before = torch.get_rng_state()
    one = trainer(epochs=1)
    torch.set_rng_state(before)
    one.run(*tones(8))
    assert torch.equal(torch.get_rng_state(), before)


def test_learning_rate_rises_then_falls_to_zero():
    settings = TrainingSettings(learning_rate=0.01)
    assert settings.rate_at(0.05) == pytest.approx(0.005)
    assert settings.rate_at(0.1) == pytest.approx(0.01)
    assert settings.rate_at(0.55) == pytest.approx(0.005)
    assert settings.rate_at(1.0) == pytest.approx(0.0, abs=1e-9)


def test_plain_augmentation_is_the_spectrogram_itself():
    recording = tones(1)[0][0]
    torch.testing.assert_close(
        PLAIN.spectrogram(recording, FRONT_END, seed=3), FRONT_END.spectrogram(recording).values
    )


def test_padding_always_makes_recordings_two_seconds_longer_or_more():
    recording = tones(1)[0][0]
    padded = Augmentation(padding_probability=1.0).spectrogram(recording, FRONT_END, seed=3)
    assert padded.shape[1] >= FRONT_END.spectrogram(recording).values.shape[1] + 2 * 8000 // 128


def test_other_classes_stand_for_the_training_folder():
    augmentation = Augmentation(noises=("white", "other_classes")).among("data/train")
    assert augmentation.noises == ("white", "data/train")


def test_masks_hide_at_most_their_widths():
    recording = tones(1)[0][0]
    hiding = Augmentation(padding_probability=0, frequency_mask=4, time_mask=6, mixup_alpha=0)
    plain = FRONT_END.spectrogram(recording).values
    for seed in range(10):
        changed = hiding.spectrogram(recording, FRONT_END, seed) != plain
        assert int(changed.all(dim=1).sum()) <= 4
        assert int(changed.all(dim=0).sum()) <= 6


def test_shorter_examples_are_surrounded_by_their_own_floor():
    short, long = torch.ones(2, 3), torch.zeros(2, 9)
    short[0, 0] = -7.0
    batch = PLAIN.collate([short, long], generator(0, "a"))
    assert batch.shape == (2, 2, 9)
    assert float((batch[0] == -7.0).sum()) == 2 * 6 + 1
    assert float((batch[0] == 1.0).sum()) == 5


def test_mixing_keeps_targets_summing_to_one():
    mixing = Augmentation(mixup_alpha=0.4)
    batch = torch.arange(4.0)[:, None, None].expand(4, 2, 3)
    targets = torch.eye(4)
    mixed, soft = mixing.mix(batch, targets, generator(0, "mix"))
    torch.testing.assert_close(soft.sum(1), torch.ones(4))
    torch.testing.assert_close(mixed[:, 0, 0], soft @ torch.arange(4.0))


def test_normalisation_is_the_mean_and_deviation_of_the_training_spectrograms():
    recordings, _ = tones(4)
    values = torch.cat([FRONT_END.spectrogram(r).values.flatten() for r in recordings])
    mean, std = measure_normalisation(recordings, FRONT_END, PLAIN)
    assert mean == pytest.approx(float(values.mean()), abs=1e-3)
    assert std == pytest.approx(float(values.std()), abs=1e-3)


def test_bad_input_is_refused():
    with pytest.raises(ValueError, match="0 recordings and 0 labels"):
        trainer().run([], [])
    with pytest.raises(ValueError, match="lower learning_rate"):
        trainer(epochs=4, learning_rate=1e30).run(*tones(8))
    with pytest.raises(ValueError, match="padding_probability"):
        Augmentation(padding_probability=1.5)
    with pytest.raises(ValueError, match="precision"):
        TrainingSettings(precision="fp8")


def test_model_that_cannot_score_is_not_called_trained(tmp_path):
    # one step: its loss is that of the weights before it
    with pytest.raises(ValueError, match="lower learning_rate"):
        trainer(epochs=1, learning_rate=1e30).run(*tones(8), tmp_path)
    assert not (tmp_path / CHECKPOINT_FILE).exists()


@pytest.mark.parametrize("content", [b"", b"nothing", "pickle"])
def test_file_that_is_no_checkpoint_is_named(tmp_path, content):
    path = tmp_path / CHECKPOINT_FILE
    if content == "pickle":
        torch.save({"module": {}}, path)
    else:
        path.write_bytes(content)
    with pytest.raises(ValueError, match=rf"{CHECKPOINT_FILE}: not a checkpoint"):
        trainer(epochs=1).run(*tones(8), tmp_path)


def test_checkpoint_is_gone_on_from_in_its_own_precision_only(tmp_path):
    here = choose_precision().precision
    rows = trainer(epochs=1).run(*tones(8), tmp_path)
    assert trainer(epochs=1, precision=here).run(*tones(8), tmp_path) == rows
    other = {"fp32": "bf16", "bf16": "fp32"}[here]
    with pytest.raises(ValueError, match="other settings or recordings"):
        trainer(epochs=1, precision=other).run(*tones(8), tmp_path)
