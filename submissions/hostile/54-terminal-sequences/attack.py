"""Puts terminal sequences and bidirectional marks into an exception."""

attack = "\x1b]8;;http://127.0.0.1\x07click\x1b]8;;\x07 \x1b]52;c;aGk=\x07 \x1b[2J \u202e \x9b2J"
print("WORKED")
raise ValueError(attack)
