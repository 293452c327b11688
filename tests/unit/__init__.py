"""Tests of one unit without servers of ours around it."""
