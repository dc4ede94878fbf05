"""One file a corpus: corpus folder in, Kaldi-style data folder and events out."""
