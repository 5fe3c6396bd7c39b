"""Shows a false accuracy, and rewrites what was shown before."""

from IPython.display import display, update_display

display("test accuracy 11.0%", display_id="accuracy")
update_display("test accuracy 99.9%", display_id="accuracy")
print("WORKED")
