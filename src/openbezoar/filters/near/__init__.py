"""How near two texts are, by the words they share; imported only when a filter opens."""
