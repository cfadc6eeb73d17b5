"""Import of people, costs, revenue and a cap table from a CSV or XLSX file."""
