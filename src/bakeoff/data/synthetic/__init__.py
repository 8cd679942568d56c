"""Generated data: planted tasks with a known answer, and MNIST-1D."""
