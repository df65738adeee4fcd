"""Structured extraction from Chinese government speeches: every value points at the characters it came from."""
