"""Reports for the terminal and the app: tables of forecasts, comparisons and scores."""
