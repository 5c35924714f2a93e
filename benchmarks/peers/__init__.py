"""What else could send a burst of texts, each as its own documentation says to use it."""
