"""Models for a budget: the cost in USD of training and serving each size, and hardware choice."""
