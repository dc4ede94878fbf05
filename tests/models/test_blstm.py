import math

import pytest
import torch

from daxaudio.containers import Recording, Spectrogram
from daxaudio.explainers.gradient import Gradient
from daxaudio.features.frontends import LogMel
from daxaudio.models import blstm
from daxaudio.models.augmentation import Augmentation, crop
from daxaudio.models.blackbox import BlackBox, load_black_box, save_black_box
from daxaudio.models.blstm import WindowBlstm, window_starts
from daxaudio.models.examples import TrainingSet, Windows, copies_of
from daxaudio.models.training import Trainer, TrainingSettings
from daxaudio.runs.seeds import generator

FRONT_END = LogMel(sample_rate=8000, n_fft=256, hop_length=80, n_mels=16)
PLAIN = Augmentation(padding_probability=0, frequency_mask=0, time_mask=0, mixup_alpha=0)


def network(seed=0, **settings):
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return WindowBlstm(**{"n_bins": 16, "hidden": 8, **settings}).eval()


def noise(n, n_frames, n_bins=16):
    return 10 * torch.randn(n, n_bins, n_frames, generator=generator(0, "blstm")) - 60


def window_scores(module, spectrogram):
    """Sigmoid of each window by hand, one window at a time."""
    features = module.features(spectrogram[None])
    starts = window_starts(features.shape[1], module.window, module.hop, to_the_end=True)
    logits = [module.of_windows(features[:, s : s + module.window]) for s in starts.tolist()]
    return torch.cat(logits).softmax(dim=1)[:, 1]


def test_baseline_has_as_many_parameters_as_the_published_one():
    assert sum(parameter.numel() for parameter in WindowBlstm().parameters()) == 741_505


@pytest.mark.parametrize("n_frames", [51, 60, 130, 204])
def test_softmax_is_the_mean_of_the_windows_sigmoids(n_frames):
    module, (spectrogram,) = network(), noise(1, n_frames)
    with torch.no_grad():
        logits = module(spectrogram[None])
        expected = window_scores(module, spectrogram).mean()
    torch.testing.assert_close(logits.softmax(dim=1)[0, 1], expected)
    torch.testing.assert_close(logits.exp().sum(dim=1), torch.ones(1))  # log-probabilities


def test_certainty_is_not_rounded_away():
    module = network()
    with torch.no_grad():
        module.head[-1].weight.zero_()
        module.head[-1].bias.fill_(150.0)
        logits = module(noise(1, 120))
    assert logits.isfinite().all()
    assert float(logits[0, 0]) == pytest.approx(-150.0)


@pytest.mark.parametrize("n_frames", [51, 75, 130])
def test_every_frame_is_heard(n_frames):
    module = network(hop=51)
    inputs = noise(1, n_frames).requires_grad_()
    module(inputs)[0, 1].backward()
    assert (inputs.grad.abs().amax(dim=1) > 0).all()


def test_last_window_ends_with_the_last_frame_when_scoring_only():
    assert window_starts(130, 51, 51, to_the_end=True).tolist() == [0, 51, 79]
    assert window_starts(130, 51, 51, to_the_end=False).tolist() == [0, 51]
    assert window_starts(102, 51, 51, to_the_end=True).tolist() == [0, 51]
    assert network().training_windows(noise(1, 130)[0]).shape == (2, 51, 48)


def test_features_are_normalised_over_time():
    features = network().features(noise(2, 90))
    torch.testing.assert_close(features.mean(dim=1), torch.zeros(2, 48), atol=1e-5, rtol=0)
    deviations = features.square().mean(dim=1).sqrt()
    torch.testing.assert_close(deviations, torch.ones(2, 48), atol=1e-3, rtol=0)


def test_constant_bands_as_masked_off_ones_become_zero_and_have_a_gradient():
    levels = -80 * torch.rand(1, 16, 1, generator=generator(0, "levels"))
    spectrogram = levels.repeat(1, 1, 97).requires_grad_()  # means of these are off by rounding
    module = network()
    assert float(module.features(spectrogram).detach().abs().max()) < 0.01
    module(spectrogram)[0, 1].backward()
    assert spectrogram.grad.isfinite().all()


def test_gain_of_a_recording_does_not_matter():
    module, inputs = network(), noise(2, 80)
    torch.testing.assert_close(module(inputs + 20), module(inputs), atol=1e-4, rtol=0)


def test_deltas_say_whether_the_level_rises_or_falls():
    tent = torch.cat([torch.arange(40.0), torch.arange(40.0).flip(0)]).expand(1, 16, 80)
    deltas = network().features(tent)[0, :, 16:32]
    assert (deltas[4:36] > 0.9).all()
    assert (deltas[44:76] < -0.9).all()
    bends = network().features(tent)[0, :, 32:]
    assert (bends[38:42].mean(dim=0) < -1).all()


def test_recording_shorter_than_a_window_is_scored_and_heard():
    module, inputs = network(), noise(1, 20).requires_grad_()
    module(inputs)[0, 1].backward()
    assert (inputs.grad.abs().amax(dim=1) > 0).all()
    assert module.training_windows(inputs.detach()[0]).shape == (1, 51, 48)


@pytest.mark.parametrize("limit", ["_FRAMES_AT_ONCE", "_WINDOWS_AT_ONCE"])
def test_how_much_is_in_work_at_a_time_changes_no_score_and_no_gradient(monkeypatch, limit):
    module = network()

    def answer():
        inputs = noise(3, 170).requires_grad_()
        logits = module(inputs)
        logits[:, 1].sum().backward()
        return logits.detach(), inputs.grad

    whole = answer()
    monkeypatch.setattr(blstm, limit, 4)
    for expected, found in zip(whole, answer(), strict=True):
        torch.testing.assert_close(found, expected, atol=1e-6, rtol=1e-4)


def test_no_more_windows_than_the_limit_are_in_the_network_at_once(monkeypatch):
    module, sizes = network(), []
    module.lstm.register_forward_pre_hook(lambda layer, inputs: sizes.append(len(inputs[0])))
    monkeypatch.setattr(blstm, "_WINDOWS_AT_ONCE", 10)
    with torch.no_grad():
        module(noise(3, 500))
    assert max(sizes) <= 10
    assert sum(sizes) == 3 * len(window_starts(500, 51, 10, to_the_end=True))


def test_black_box_is_stored_and_read_back(tmp_path):
    box = BlackBox(network(), FRONT_END, ["n", "p"])
    save_black_box(box, tmp_path)
    again = load_black_box(tmp_path)
    inputs = noise(2, 140)
    assert again.module.settings == box.module.settings
    assert torch.equal(again.probabilities(inputs), box.probabilities(inputs))


def test_bf16_scores_are_near_those_of_fp32():
    boxes = [BlackBox(network(), FRONT_END, ["n", "p"], precision=p) for p in ("fp32", "bf16")]
    full, half = (box.probabilities(noise(2, 140)) for box in boxes)
    torch.testing.assert_close(half, full, atol=0.01, rtol=0)


def test_gradient_method_explains_it():
    values = noise(1, 120)[0]
    spectrogram = Spectrogram(values, torch.arange(16.0), 0.01 * torch.arange(120.0))
    score_fn = BlackBox(network(), FRONT_END, ["n", "p"]).score_fn("p")
    explanation = Gradient()(spectrogram, score_fn)
    assert explanation.mask.shape == values.shape
    assert float(explanation.mask.max()) > 0


def test_settings_out_of_range_are_refused():
    with pytest.raises(ValueError, match="two classes"):
        WindowBlstm(n_classes=3)
    with pytest.raises(ValueError, match="no hop longer than the window"):
        WindowBlstm(hop=52)
    with pytest.raises(ValueError, match="dropout"):
        WindowBlstm(dropout=1.0)


def chirps(n=12):
    """Rising (label 1) and falling (label 0) chirps in noise; a third are rising."""
    recordings, labels = [], []
    times = torch.arange(8000) / 8000
    for i in range(n):
        label = int(i % 3 == 2)
        sweep = 500 * times + 1000 * times**2 if label else 2500 * times - 1000 * times**2
        wave = torch.sin(2 * math.pi * sweep) + 0.1 * torch.randn(8000, generator=generator(i, "n"))
        recordings.append(Recording(wave[None], 8000, f"chirp{i}"))
        labels.append(label)
    return recordings, labels


def trainer(epochs=2, seed=0):
    settings = TrainingSettings(
        epochs=epochs,
        batch_size=8,
        learning_rate=1e-2,
        weight_decay=1e-5,
        label_smoothing=0.0,
        optimiser="amsgrad",
        schedule="constant",
        oversample=True,
    )
    return Trainer(
        network(window=31, training_hop=31), FRONT_END, settings, PLAIN, seed=seed, device="cpu"
    )


def weights(trained):
    return torch.cat([value.flatten() for value in trained.module.state_dict().values()])


def test_direction_of_a_sweep_is_learnt():
    recordings, labels = chirps()
    trained = trainer(epochs=10)
    rows = trained.run(recordings, labels)
    assert rows[-1]["loss"] < 0.5 * rows[0]["loss"]
    box = BlackBox(trained.module, FRONT_END, ["n", "p"])
    scores = [box.predict(FRONT_END.spectrogram(recording))[0] for recording in recordings]
    assert scores == ["np"[label] for label in labels]


def test_same_seed_gives_the_same_weights_and_another_seed_does_not():
    first, again, other = trainer(1), trainer(1), trainer(1, seed=1)
    for trained in (first, again, other):
        trained.run(*chirps(6))
    assert torch.equal(weights(first), weights(again))
    assert not torch.equal(weights(first), weights(other))


def test_stopped_and_resumed_run_equals_an_uninterrupted_one(tmp_path, monkeypatch):
    whole = trainer(3)
    whole.run(*chirps(6))
    interrupted = trainer(3)
    real_epoch = interrupted._epoch

    def stop_at_the_third(epoch, *rest):
        if epoch == 2:
            raise KeyboardInterrupt
        return real_epoch(epoch, *rest)

    monkeypatch.setattr(interrupted, "_epoch", stop_at_the_third)
    with pytest.raises(KeyboardInterrupt):
        interrupted.run(*chirps(6), tmp_path)
    resumed = trainer(3)
    resumed.run(*chirps(6), tmp_path)
    assert torch.equal(weights(whole), weights(resumed))


def test_loss_of_two_logits_is_the_binary_cross_entropy_of_one():
    module, windows = network(), torch.randn(5, 51, 48, generator=generator(1, "windows"))
    labels = torch.tensor([0, 1, 1, 0, 1])
    expected = torch.nn.functional.binary_cross_entropy_with_logits(
        module._logits(windows), labels.float()
    )
    found = torch.nn.functional.cross_entropy(module.of_windows(windows), labels)
    torch.testing.assert_close(found, expected)


def test_smaller_class_is_shown_as_often_as_the_baseline_does():
    labels = [0] * 634 + [1] * 137
    copies = copies_of(labels, oversample=True)
    assert sum(labels[i] for i, _ in copies) == 137 * 4  # 3 further copies each
    assert sum(1 - labels[i] for i, _ in copies) == 634
    assert copies_of(labels, oversample=False) == [(i, 0) for i in range(771)]


def test_further_copies_are_random_stretches_drawn_anew_in_each_epoch():
    recordings, labels = chirps(6)  # two of six are positive: one further copy each
    source = TrainingSet(
        recordings, labels, 2, front_end=FRONT_END, augmentation=PLAIN, oversample=True
    )
    assert source.copies[6:] == [(2, 1), (5, 1)]
    whole = source.spectrogram(2, epoch=0)
    first, later = (source.spectrogram(6, epoch) for epoch in (0, 1))
    assert 0.8 * whole.shape[1] <= first.shape[1] <= whole.shape[1]
    assert first.shape != later.shape or not torch.equal(first, later)
    assert torch.equal(first, source.spectrogram(6, epoch=0))
    place = whole.unfold(1, first.shape[1], 1).transpose(0, 1)
    assert any(torch.equal(stretch, first) for stretch in place)


def test_crops_have_every_length_from_80_percent_and_reach_both_ends():
    frames = torch.arange(20.0)[None]
    crops = [crop(frames, seed) for seed in range(300)]
    assert {c.shape[1] for c in crops} == {16, 17, 18, 19, 20}
    assert {int(c[0, 0]) for c in crops} == {0, 1, 2, 3, 4}
    assert all(torch.equal(c.diff(), torch.ones(1, c.shape[1] - 1)) for c in crops)


def test_every_window_has_the_label_of_its_recording():
    recordings, labels = chirps(3)
    module = network(window=31, training_hop=31)
    windows = Windows(
        TrainingSet(recordings, labels, 2, front_end=FRONT_END, augmentation=PLAIN), 0, module
    )
    assert len(windows) == 3 * 3  # 101 frames each
    inputs, targets = windows.batch(list(range(9)), step=0)
    assert inputs.shape == (9, 31, 48)
    assert targets.argmax(dim=1).tolist() == [0] * 6 + [1] * 3
