"""The command line of the finance package: ``python -m finance COMMAND``."""
