"""How each family of models is asked: one module per family."""
