"""The parts of a comparison of runs: what is joined, paired, counted, resampled and adjusted."""
