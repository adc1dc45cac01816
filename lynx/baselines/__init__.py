"""Other models, and answers that others made, under the protocol of our evaluations."""
