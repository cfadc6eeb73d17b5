"""What computing costs beyond its time: failures, energy, and the ways to pay for it."""
