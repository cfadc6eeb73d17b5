"""Starting, queueing, supervising and stopping runs."""
