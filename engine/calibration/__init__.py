"""Measured against forecast: the calibration of a plan and the profile of a machine."""
