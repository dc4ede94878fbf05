"""A folder of transformers with random weights: shows that such folders are opened, and no more."""

import sys
from pathlib import Path

import torch
from transformers import (
    Wav2Vec2Config,
    Wav2Vec2FeatureExtractor,
    Wav2Vec2ForSequenceClassification,
)

SIZES = {
    "hidden_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "intermediate_size": 64,
    "conv_dim": (32, 32),
    "conv_stride": (10, 16),
    "conv_kernel": (20, 32),
    "num_feat_extract_layers": 2,
    "classifier_proj_size": 32,
}


def main() -> None:
    """Write the folder that the command names; the same weights each time."""
    torch.manual_seed(0)
    classes = {0: "speech", 1: "something else"}
    config = Wav2Vec2Config(**SIZES, id2label=classes, label2id={v: k for k, v in classes.items()})
    folder = Path(sys.argv[1])
    Wav2Vec2ForSequenceClassification(config).save_pretrained(folder)
    Wav2Vec2FeatureExtractor(sampling_rate=16000).save_pretrained(folder)


if __name__ == "__main__":
    main()
