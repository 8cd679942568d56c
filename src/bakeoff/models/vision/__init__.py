"""Networks for images, as in their papers."""
