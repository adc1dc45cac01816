"""What a run leaves on disk: its directory, its manifest, its metrics."""
