"""Prints fifty megabytes."""

for _ in range(500):
    print("x" * 99_999)
print("WORKED")
