"""The trusted side's own torch: does the recorded work again and says what is so. Never runs the student's code."""
