"""Benchmarks. Each prints ratios against a peer or a bound that it measures in the same run."""
