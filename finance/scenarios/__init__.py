"""Stored scenarios: versions, drafts, share links, and what differs between two documents."""
