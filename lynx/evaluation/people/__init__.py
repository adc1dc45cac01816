"""People's ratings of models' answers: rules, store, statistics."""
