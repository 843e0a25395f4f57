"""Topics into the store: what is there can be rebuilt from them at any time."""
