"""What people type: one module per group of commands, thin over the rooms beside it."""
