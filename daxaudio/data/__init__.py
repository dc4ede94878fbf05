"""What lies on disk: audio, events, padding, folds, other programs' annotations, Kaldi folders."""
