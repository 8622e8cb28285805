"""Trial evidence on acupuncture for chronic pain, from printed figures to forest plots."""

__version__ = "0.1.0"
