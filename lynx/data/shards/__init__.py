"""Shards: the samples of one source as WebDataset tar files that can be read in any order.

A folder holds `manifest.json` and, per shard, a tar file that any WebDataset reader can iterate and
an index `.npy` with one row per training example. The index is what makes a damaged shard an error:
tar readers silently drop what follows a bad header.
"""
