"""The commands of `daxaudio`, one a file: `configure` adds the arguments, `run` does the work."""
