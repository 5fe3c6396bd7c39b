"""Walks frames and the garbage collector for secrets."""

import gc, os, sys

found, frame = set(), sys._getframe()
while frame is not None:
    found |= {str(value)[:10000] for value in frame.f_locals.values()}
    frame = frame.f_back
for thing in gc.get_objects():
    try:
        values = list(thing.values()) if isinstance(thing, dict) else list(thing) if isinstance(thing, (list, tuple)) else []
        found |= {str(v)[:1000] for v in values if isinstance(v, (str, bytes))}
    except Exception:
        pass
found.add(str(dict(os.environ)))
print([text for text in found if "canary-" in text])
