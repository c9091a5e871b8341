"""Tests of the hand-out of slots."""
