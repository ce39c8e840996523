"""The mapping engine: pure, compiled once per version, the same for a preview and a run."""
