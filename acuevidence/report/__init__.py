"""What people read: the figure registry, the codebook, tables and reports."""
