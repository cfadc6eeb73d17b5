"""The pages of the app, one file each; ``parts`` has their sections."""
