"""The reference pages of the documentation, written from what the code says."""
