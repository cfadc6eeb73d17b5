"""One thin file a page; ``parts`` holds what they draw with."""
