"""What sshd's words mean: its debug texts, its refusals, and its answers to `sshd -T`."""
