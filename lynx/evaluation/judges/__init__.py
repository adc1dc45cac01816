"""Those who decide whether an answer implies the ground truth."""
