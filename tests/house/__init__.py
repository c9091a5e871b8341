"""What holds for the whole tree: its checkers, its version, its documents."""
