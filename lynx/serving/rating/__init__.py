"""The local page on which people rate models' answers."""
