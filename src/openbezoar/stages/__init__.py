"""The seven kinds of stage of a recipe."""
