"""A log explained: what Kamal, net-ssh, ssh, sshd and Docker say in it, and what that proves. Nobody is asked."""
