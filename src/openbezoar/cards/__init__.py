"""Cards: what is published says of itself, from the manifests alone."""
