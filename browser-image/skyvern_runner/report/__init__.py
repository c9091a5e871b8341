"""The record of a run, and where it goes: status, artifacts, terminal and logs."""
