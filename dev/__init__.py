"""What a checkout needs around the product: environments from the locks, packages of the system."""
