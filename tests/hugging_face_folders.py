"""Tiny audio classifiers of transformers with random weights, as folders."""

import torch
import transformers

_SIZES = {
    "hidden_size": 16,
    "num_hidden_layers": 1,
    "num_attention_heads": 2,
    "intermediate_size": 16,
}
_CONVOLUTIONS = {
    "conv_dim": (8, 8),
    "conv_kernel": (10, 3),
    "conv_stride": (5, 2),
    "num_conv_pos_embeddings": 4,
    "num_conv_pos_embedding_groups": 2,
    "num_feat_extract_layers": 2,
    "classifier_proj_size": 8,
}
_PATCHES = {"max_length": 64, "num_mel_bins": 32, "patch_size": 8}
_WHISPER = {
    "d_model": 16,
    "encoder_layers": 1,
    "encoder_attention_heads": 2,
    "encoder_ffn_dim": 16,
    "decoder_layers": 1,
    "decoder_attention_heads": 2,
    "decoder_ffn_dim": 16,
    "num_mel_bins": 8,
    "max_source_positions": 50,
    "classifier_proj_size": 8,
    "vocab_size": 32,
    "pad_token_id": 0,
    "bos_token_id": 1,
    "eos_token_id": 2,
    "decoder_start_token_id": 1,
    "suppress_tokens": None,
    "begin_suppress_tokens": None,
}
KINDS = {
    "AST": (_SIZES | _PATCHES | {"frequency_stride": 8, "time_stride": 8}, "AST", {}),
    "Wav2Vec2": (_SIZES | _CONVOLUTIONS, "Wav2Vec2", {}),
    "Hubert": (_SIZES | _CONVOLUTIONS, "Wav2Vec2", {"return_attention_mask": True}),
    "WavLM": (_SIZES | _CONVOLUTIONS | {"num_buckets": 8}, "Wav2Vec2", {}),
    "SEW": (_SIZES | _CONVOLUTIONS | {"squeeze_factor": 2}, "Wav2Vec2", {"do_normalize": False}),
    "Whisper": (_WHISPER, "Whisper", {"feature_size": 8, "chunk_length": 1}),
}
"""Settings of each architecture, its feature extractor, and that one's settings."""

RATE = 16000


def save_folder(folder, kind="Wav2Vec2", classes=("dog", "cat"), **settings):
    """A folder as `save_pretrained` writes it; the same weights each time."""
    sizes, extractor, its_settings = KINDS[kind]
    config = getattr(transformers, f"{kind}Config")(
        **sizes,
        id2label=dict(enumerate(classes)),
        label2id={name: index for index, name in enumerate(classes)},
        **settings,
    )
    with torch.random.fork_rng():
        torch.manual_seed(0)
        network = transformers.AutoModelForAudioClassification.from_config(config)
        for parameter in network.parameters():  # so that answers differ visibly
            torch.nn.init.normal_(parameter, std=0.3)
    network.save_pretrained(folder)
    if kind == "AST":
        its_settings = {name: _PATCHES[name] for name in ("max_length", "num_mel_bins")}
    getattr(transformers, f"{extractor}FeatureExtractor")(**its_settings).save_pretrained(folder)
    return folder
