"""How fast a machine could be at best: the roofline, accelerators, one convolution in depth."""
