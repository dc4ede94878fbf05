import dataclasses
import json

import pytest
import torch
from torch import nn

from daxaudio.explainers.dax.distillation import place
from daxaudio.explainers.dax.explained_student import ExplainStudent
from daxaudio.explainers.dax.joint import Dax
from daxaudio.features.frontends import LogMel
from daxaudio.models import precision
from daxaudio.models.blackbox import BlackBox
from daxaudio.models.blstm import WindowBlstm
from daxaudio.models.precision import choose_precision, usable_device
from daxaudio.models.resnet import SpectrogramResNet
from daxaudio.models.training import Trainer, TrainingSettings
from daxaudio.perturbation.sampling import GridSampler
from daxaudio.runs.once import warn_once
from daxaudio.runs.seeds import generator

FRONT_END = LogMel(sample_rate=8000, n_fft=256, hop_length=80, n_mels=16)


@pytest.fixture(autouse=True)
def nothing_said_yet():
    warn_once.cache_clear()


@pytest.fixture
def processor(monkeypatch):
    """Makes a processor of this one: its machine and instructions, and what oneDNN uses of them."""

    def make(machine="x86_64", avx512_bf16=False, amx=False, onednn=True, limit=None):
        monkeypatch.setattr(precision.platform, "machine", lambda: machine)
        monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda: avx512_bf16)
        monkeypatch.setattr(torch.cpu, "_is_amx_tile_supported", lambda: amx)
        monkeypatch.setattr(
            torch.ops.mkldnn, "_is_mkldnn_bf16_supported", lambda: onednn, raising=False
        )
        monkeypatch.delenv("DNNL_MAX_CPU_ISA", raising=False)
        monkeypatch.delenv("ONEDNN_MAX_CPU_ISA", raising=False)
        if limit is not None:
            monkeypatch.setenv("ONEDNN_MAX_CPU_ISA", limit)

    return make


@pytest.mark.parametrize(
    ("kind", "native", "reason"),
    [
        ({"avx512_bf16": True}, True, "AVX-512 BF16"),
        ({"amx": True}, True, "AMX"),
        ({"avx512_bf16": True, "amx": True, "limit": "ALL"}, True, "AMX"),
        ({"avx512_bf16": True, "limit": "AVX512_CORE_BF16"}, True, "AVX-512 BF16"),
        ({"machine": "aarch64"}, True, "ARM"),
        ({"machine": "arm64", "onednn": False}, False, "no bf16 in hardware"),
        # AVX-512 without BF16: oneDNN has bf16 there, imitated
        ({}, False, "no bf16 in hardware"),
        ({"onednn": False}, False, "no bf16 in hardware"),
        ({"avx512_bf16": True, "limit": "AVX2"}, False, "ONEDNN_MAX_CPU_ISA=AVX2"),
        ({"amx": True, "limit": "avx512_core"}, False, "ONEDNN_MAX_CPU_ISA=avx512_core"),
        ({"avx512_bf16": True, "onednn": False}, False, "does not use"),
    ],
)
def test_auto_is_bf16_where_the_processor_has_it_in_hardware(processor, kind, native, reason):
    processor(**kind)
    choice = choose_precision("auto", "cpu")
    assert choice.precision == ("bf16" if native else "fp32")
    assert reason in choice.reason


@pytest.mark.parametrize(("capability", "chosen"), [((7, 5), "fp32"), ((8, 0), "bf16")])
def test_auto_is_bf16_on_gpus_of_compute_capability_8_and_above(monkeypatch, capability, chosen):
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda device: capability)
    choice = choose_precision("auto", "cuda:1")
    assert choice.precision == chosen
    assert f"compute capability {capability[0]}.{capability[1]}" in choice.reason


def test_auto_is_fp32_on_devices_of_which_nothing_is_known():
    assert choose_precision("auto", "xpu").precision == "fp32"


def test_bf16_without_hardware_is_done_and_said_to_be_slow_once(processor, caplog):
    processor()
    choices = [choose_precision("bf16") for _ in range(3)]
    assert all(choice.precision == "bf16" and "slow" in choice.reason for choice in choices)
    assert len(caplog.records) == 1
    assert "slow" in caplog.text
    assert "has no bf16 in hardware" in caplog.text


def test_bf16_in_hardware_and_fp32_are_done_without_a_word(processor, caplog):
    processor(avx512_bf16=True)
    assert choose_precision("bf16").precision == "bf16"
    assert choose_precision("fp32").precision == "fp32"
    assert not caplog.records


@pytest.mark.parametrize("make", [BlackBox, TrainingSettings, Dax, ExplainStudent])
def test_auto_is_what_nobody_has_to_ask_for(make):
    (precision,) = [f.default for f in dataclasses.fields(make) if f.name == "precision"]
    assert precision == "auto"


@pytest.mark.parametrize(
    ("options", "named"),
    [({"asked": "fp16"}, "precision must be"), ({"channels_last": "yes"}, "channels_last must be")],
)
def test_unknown_names_are_refused(options, named):
    with pytest.raises(ValueError, match=named):
        choose_precision(**options)


# layouts


def layout_of(module):
    weights = next(p for p in module.parameters() if p.ndim == 4 and p.shape[1] > 1)
    return weights.is_contiguous(memory_format=torch.channels_last)


@pytest.mark.parametrize(("asked", "last"), [("auto", True), (True, True), (False, False)])
def test_convolutions_lie_as_chosen_whatever_they_were(asked, last):
    for before in (torch.contiguous_format, torch.channels_last):
        module = SpectrogramResNet(2, depth=10, width=16).to(memory_format=before)
        box = BlackBox(module, FRONT_END, ["a", "b"], channels_last=asked)
        assert layout_of(box.module) is last
        assert box.choice.channels_last is last


def test_modules_with_convolutions_in_three_dimensions_are_taken():
    class Volume(nn.Module):
        def __init__(self):
            super().__init__()
            self.layer = nn.Conv3d(1, 2, 1)

        def forward(self, inputs):
            return self.layer(inputs[:, None, None]).mean(dim=(2, 3, 4))

    assert BlackBox(Volume(), FRONT_END, ["a", "b"]).probabilities(torch.ones(1, 4, 5)).shape == (
        1,
        2,
    )


def test_small_networks_lie_as_auto_chooses():
    module = place(nn.Sequential(nn.Conv2d(3, 16, 3)), torch.device("cpu"))
    assert layout_of(module) is choose_precision().channels_last


# layers that cannot be run in bf16


class RefusesBf16(nn.LSTM):
    """As an LSTM on a processor without AVX-512, which oneDNN does not run in bf16."""

    def forward(self, inputs, hidden=None):
        if torch.is_autocast_enabled(inputs.device.type) or inputs.dtype == torch.bfloat16:
            raise RuntimeError(
                "could not create a primitive descriptor for the LSTM forward propagation primitive"
            )
        return super().forward(inputs, hidden)


def refusing_network():
    torch.manual_seed(0)
    module = WindowBlstm(n_bins=16, hidden=8)
    module.lstm.__class__ = RefusesBf16
    return module


def noise(n, n_frames):
    return 10 * torch.randn(n, 16, n_frames, generator=generator(0, "precision")) - 60


def test_lstm_that_cannot_run_in_bf16_runs_in_fp32_and_says_so_once(caplog):
    boxes = [
        BlackBox(refusing_network(), FRONT_END, ["n", "p"], precision=p) for p in ("fp32", "bf16")
    ]
    caplog.clear()
    full, half = (box.probabilities(noise(2, 140)) for box in boxes)
    boxes[1].probabilities(noise(2, 140))
    torch.testing.assert_close(half, full, atol=0.01, rtol=0)
    assert not torch.equal(half, full)  # the rest of it runs in bf16
    said = [record.message for record in caplog.records]
    assert said == ["this device cannot run an LSTM in bf16: that part runs in fp32"]


def test_lstm_that_cannot_run_in_bf16_is_trained():
    module = refusing_network()
    trainer = Trainer(module, FRONT_END, TrainingSettings(precision="bf16"))
    before = module.lstm.weight_hh_l0.detach().clone()
    optimiser = trainer.settings.optimiser_of(module)
    loss, _ = trainer._step(torch.randn(4, 51, 48), torch.eye(2)[[0, 1, 0, 1]], optimiser)
    assert loss == pytest.approx(0.7, abs=0.3)
    assert not torch.equal(module.lstm.weight_hh_l0, before)


def test_own_module_that_cannot_run_in_bf16_runs_in_fp32(caplog):
    class Own(nn.Module):
        def __init__(self):
            super().__init__()
            self.lstm = RefusesBf16(16, 2, batch_first=True)

        def forward(self, inputs):
            return self.lstm(inputs.transpose(1, 2))[0].mean(dim=1)

    torch.manual_seed(0)
    module = Own()
    boxes = [BlackBox(module, FRONT_END, ["n", "p"], precision=p) for p in ("fp32", "bf16")]
    caplog.clear()
    full, half = (box.probabilities(noise(2, 30)) for box in boxes)
    assert torch.equal(full, half)
    assert len(caplog.records) == 1


def test_other_errors_of_a_layer_are_not_taken_for_a_missing_operation():
    box = BlackBox(nn.Linear(3, 2), FRONT_END, ["n", "p"], precision="bf16")
    with pytest.raises(RuntimeError, match="shapes"):
        box.probabilities(noise(2, 5))


# devices


@pytest.mark.parametrize("name", ["meta", "nowhere", "cuda:99", "privateuseone"])
@pytest.mark.parametrize(
    "make",
    [
        usable_device,
        lambda name: BlackBox(nn.Linear(1, 2), FRONT_END, ["a", "b"], device=name),
        lambda name: Trainer(nn.Linear(1, 2), FRONT_END, device=name),
    ],
    ids=["usable_device", "BlackBox", "Trainer"],
)
def test_devices_that_hold_no_numbers_are_refused_by_name(make, name):
    with pytest.raises(ValueError, match=f"device '{name}' cannot be used"):
        make(name)


# what is stored


def test_digest_tells_what_was_computed_and_not_what_was_asked(processor):
    processor(avx512_bf16=True)
    module = nn.Linear(2, 2)
    auto, half, full = (
        BlackBox(module, FRONT_END, ["a", "b"], precision=p).digest()
        for p in ("auto", "bf16", "fp32")
    )
    assert auto == half != full
    processor()
    assert BlackBox(module, FRONT_END, ["a", "b"]).digest() == full


def test_explanations_of_learned_methods_tell_the_precision_of_their_networks(
    processor, toy_spectrogram, toy_score_fn
):
    processor()
    explanation = Dax(sampler=GridSampler(20), epochs=1)(toy_spectrogram, toy_score_fn)
    found = explanation.findings["precision"]
    assert found == choose_precision("auto").as_dict()
    assert found["precision"] == "fp32"
    assert json.loads(json.dumps(found)) == found


def test_why_a_device_cannot_be_used_is_a_sentence_and_no_list_of_all_operations():
    with pytest.raises(ValueError, match="device 'vulkan' cannot be used") as caught:
        usable_device("vulkan")
    assert len(str(caught.value)) < 250


@pytest.mark.parametrize(
    ("precision", "width", "last"),
    [
        *(("fp32", 4, False), ("fp32", 7, False), ("fp32", 8, True), ("fp32", 16, True)),
        *(("bf16", 4, False), ("bf16", 8, False), ("bf16", 15, False), ("bf16", 16, True)),
    ],
)
def test_networks_of_a_few_channels_never_lie_channels_last(precision, width, last):
    # backward passes wrote outside their memory: with 4 and 5 channels in fp32 without AVX-512,
    # with 4, 8 and 12 in bf16 with it
    choice = choose_precision(precision)
    assert layout_of(choice.lay_out(SpectrogramResNet(2, depth=10, width=width))) is last
