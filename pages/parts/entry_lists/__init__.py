"""Lists of documents in the scenario: a table of all entries, and a drawer that edits one."""
