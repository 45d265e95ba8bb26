"""A first recipe of one's own: five questions, and what their answers make."""
