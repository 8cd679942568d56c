"""On meta tensors, the operations that PyTorch would run on a CPU."""
