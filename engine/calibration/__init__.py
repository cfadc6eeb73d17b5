"""Corrections of forecasts by measurements: calibrations of plans and profiles of machines."""
