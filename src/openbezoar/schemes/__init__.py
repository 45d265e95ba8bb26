"""How seeds become examples with the help of a teacher."""
