"""Figures of the questions asked of an evidence."""
