"""The predictor: step time and memory of shapes in layouts on devices, many at a time."""
