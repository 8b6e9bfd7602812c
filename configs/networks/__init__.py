"""Models over frameworks that configs/torch_nn.yaml audits."""
