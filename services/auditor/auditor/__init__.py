"""Checks afterwards, by code of its own, that every call kept the rules and that the log is what was published."""
