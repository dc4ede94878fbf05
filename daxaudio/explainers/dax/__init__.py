"""DAX: a mask and a distilled student, from query access alone."""
