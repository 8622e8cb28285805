"""What figures are made of: canvas, axis, labels, marks, caption, style."""
