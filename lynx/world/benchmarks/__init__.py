"""The benchmarks of the paper about the miniature world, other than Open-VQA."""
