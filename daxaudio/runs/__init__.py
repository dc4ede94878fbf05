"""What makes a number repeatable: settings, seeds, files, provenance; the machine's limits."""
