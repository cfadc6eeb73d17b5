"""The predictor: step time and memory of a shape in a layout on a machine, many at a time."""
