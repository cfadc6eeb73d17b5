"""What pages share: the scenario in hand, input fields, tiles, charts."""
