"""Two measured models side by side: what is shown to differ, and what is not."""
