"""Models over frameworks, which configs/torch_nn.yaml, jax_nn.yaml and autograd.yaml audit."""
