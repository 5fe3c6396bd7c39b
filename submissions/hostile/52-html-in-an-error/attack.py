"""Puts HTML, script and SVG into output and into an exception."""

from IPython.display import HTML, display

attack = "<script>alert(1)</script><img src=x onerror=alert(2)><svg onload=alert(3)>"
display(HTML(attack))
print(attack, "WORKED")
raise ValueError(attack)
