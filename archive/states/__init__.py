"""How the state of a simulator's network lies in a snapshot: the same live and from its files."""
