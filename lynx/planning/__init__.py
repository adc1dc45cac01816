"""Forecasts of a variant before it is trained: parameters, memory, operations, hours, disk."""
