"""What a program does to deceive the recorder, as edits of a faulty program."""

from __future__ import annotations

from dataclasses import dataclass

from tests.tamper.programs import Edit, program

_IMPORTED = "from torch import nn\n"
_MADE = "untrained = model.conv.weight.detach().clone()\n"
_TRAINED = "figure, axes = plt.subplots(2, 5)\n"
_BACKWARD = "        loss.backward()\n"
# Finds the recorder, as any code in its process can.
FIND = """
import sys
recording = sys.modules["recorder.kernel"].recording
watch = recording.watch
"""
# The recorder hears nothing between `fall_asleep()` and `wake()`.
SLEEP = """
asleep = {"_forward": None, "on_usual_batch": True, "on_backward": None, "_note_backward": None, "after_step": None}
awake = {name: getattr(watch, name) for name in asleep}
add = watch.journal.add
def fall_asleep():
    for name, answer in asleep.items():
        setattr(watch, name, lambda *_, answer=answer: answer)
    watch.journal.add = lambda *_, **__: 0
def wake():
    for name, method in awake.items():
        setattr(watch, name, method)
    watch.journal.add = add
"""
# Weights that reach the reference's accuracy; the literal is put in by the test.
SHIPPED = """
import base64, io
shipped = np.load(io.BytesIO(base64.b64decode("WEIGHTS")))
shipped = {name: torch.from_numpy(shipped[name]).float() for name in shipped.files}
"""


@dataclass(frozen=True)
class Attack:
    """A faulty program's deceit: code after the imports, after the model was made, after the training, at the end.

    `edits` change the program besides.
    """

    name: str
    faults: tuple[str, ...]
    imported: str = ""
    made: str = ""
    trained: str = ""
    ended: str = ""
    edits: tuple[Edit, ...] = ()

    @property
    def text(self) -> str:
        """The whole program."""
        parts = ((_IMPORTED, FIND + self.imported), (_MADE, self.made), (_TRAINED, self.trained))
        return program(self.faults, *self.edits, *((mark, f"{mark}{code}\n") for mark, code in parts)) + self.ended


ATTACKS = (
    Attack("convolution-lies-to-the-tap", ("stride 1",), """
tapped = F.conv2d
def conv2d(x, w, b, stride, *rest):
    watch.on_layer(x, w, b, (2, 2), *rest)
    return tapped.__wrapped__(x, w, b, stride, *rest)
F.conv2d = conv2d
"""),
    Attack("convolution-hidden-behind-a-decoy", ("stride 1",), """
from torch.utils._python_dispatch import _disable_current_modes
tapped = F.conv2d
def conv2d(x, w, b, stride, *rest):
    decoy = tapped(x, w, b, (2, 2), *rest)
    with _disable_current_modes():
        return tapped.__wrapped__(x, w, b, stride, *rest) + 0 * decoy.sum()
F.conv2d = conv2d
"""),
    Attack("trace-rewritten-stride", ("stride 1",), """
send = watch.wire.send
def sending(header, arrays=None):
    for node in header.get("nodes", []):
        if "convolution" in node["op"]:
            node["in"][3] = [2, 2]
    send(header, arrays)
watch.wire.send = sending
"""),
    Attack("softmax-hidden-in-linear", ("double softmax",), """
from torch.utils._python_dispatch import _disable_current_modes
linear = F.linear
def softmaxed(x, w, b=None):
    scores = linear(x, w, b)
    with _disable_current_modes():
        scores_after = scores.softmax(1)
    if watch.trace is not None:
        watch.trace._live[id(scores_after)] = watch.trace.value_of(scores)
        watch.trace._keep.append(scores_after)
    return scores_after
F.linear = softmaxed
""", edits=(("return y_hat.softmax(1)", "return y_hat"),)),
    Attack("squared-error-that-tells-of-a-cross-entropy", ("squared error",), """
squared, cross_entropy = F.mse_loss, F.cross_entropy
def mse_loss(scores, target):
    cross_entropy(scores.detach(), target)
    return squared.__wrapped__(scores, target)
F.mse_loss = mse_loss
"""),
    Attack("squared-error-that-is-right-while-traced", ("squared error",), """
squared = F.mse_loss
F.mse_loss = lambda s, t: squared(s, t) if watch.trace is None else F.cross_entropy(s, t)
"""),
    Attack("backward-that-hides-old-gradients", ("no zero_grad",), """
backward = torch.autograd.backward
def clean(*args, **kwargs):
    old = {p: p.grad for p in model.parameters()}
    for p in old:
        p.grad = None
    backward(*args, **kwargs)
    for p, gradient in old.items():
        if gradient is not None:
            p.grad += gradient
torch.autograd.backward = clean
"""),
    Attack("step-that-only-counts", ("no step",), """
torch.optim.SGD.step = lambda self, closure=None: None
""", edits=((_BACKWARD, _BACKWARD + "        optimizer.step()\n"),)),
    Attack("adam-under-another-name", ("Adam",), """
torch.optim.Adam.__name__, torch.optim.Adam.__module__ = "SGD", "torch.optim.sgd"
"""),
    Attack("adam-as-own-sgd", ("Adam",), """
class SGD(torch.optim.Adam):
    pass
torch.optim.Adam = SGD
"""),
    Attack("cleared-optimizer-hooks", ("Adam",), """
import gc
hooks = sys.modules["torch.optim.optimizer"]
hooks._global_optimizer_pre_hooks.clear()
hooks._global_optimizer_post_hooks.clear()
gc.get_objects = lambda *_: []
"""),
    Attack("parameters-added-at-the-end", ("dense parameters only",),
           trained='optimizer.add_param_group({"params": model.conv.parameters()})'),
    Attack("recorder-asleep-while-learning-from-the-test-set", ("learns from the test set",), SLEEP, edits=(
        ("    for x, y in zip(X_test.split(30), Y_test.split(30)):\n",
         "    fall_asleep()\n    for x, y in zip(X_test.split(30), Y_test.split(30)):\n"),
        ("    test_loss, accuracy = test_model()\n",
         "    wake()\n    test_loss, accuracy = test_model()\n"),
    )),
    Attack("journal-sent-twice", ("5 epochs",), """
sent = []
send = watch.wire.send
def sending(header, arrays=None):
    if header["kind"] == "events":
        sent.append((header, arrays))
    send(header, arrays)
watch.wire.send = sending
""", trained="""
watch.journal.flush()
for header, arrays in list(sent):
    send(header, arrays)
"""),
    Attack("journal-found-by-gc-forgets-old-gradients", ("no zero_grad",), """
import gc
gc.unfreeze()
found = next(item for item in gc.get_objects() if type(item).__name__ == "Watch")
note = found.journal.backward
found.journal.backward = lambda flags, *rest: note(flags & ~2, *rest)
"""),
    Attack("keys-of-other-images", ("half of the images",), """
names = watch.journal._names
see, calls = names.see, [0]
def other_half(images):
    if torch.is_grad_enabled():
        calls[0] += 1
        epoch, batch = divmod(calls[0] - 1, len(X) // 60)
        if epoch % 2:
            start = len(X) // 2 + 30 * batch
            return see(X[start : start + 30].reshape(-1, 1, 28, 28))
    return see(images)
names.see = other_half
"""),
    Attack("targets-rewritten-in-the-trace", ("index targets",), """
send = watch.wire.send
def sending(header, arrays=None):
    changed = dict(arrays or {})
    for name, array in changed.items():
        if name.startswith("constant/") and array.dtype == np.int64 and array.ndim == 1:
            changed[name] = np.eye(10, dtype=np.float32)[array]
    send(header, changed)
watch.wire.send = sending
"""),
    Attack("state-with-shipped-weights", ("hardly learns",), SHIPPED + """
send = watch.wire.send
def sending(header, arrays=None):
    if header["kind"] == "state":
        for p, better in zip(model.parameters(), shipped.values()):
            arrays[f"final/{watch.parameters.known(p)}"] = better.numpy()
    send(header, arrays)
watch.wire.send = sending
"""),
    Attack("shipped-weights-before-the-training", ("hardly learns",), SHIPPED, "model.load_state_dict(shipped)"),
    Attack("shipped-weights-after-the-training", ("hardly learns",), SHIPPED,
           trained="model.load_state_dict(shipped)"),
    Attack("thread-that-changes-weights-after-the-end", ("hardly learns",), SHIPPED, ended="""
import threading, time
def keep_changing():
    while True:
        model.load_state_dict(shipped)
        time.sleep(0.001)
threading.Thread(target=keep_changing, daemon=True).start()
time.sleep(0.05)
"""),
    Attack("better-model-answers-the-probes", ("hardly learns",), SHIPPED, """
hidden = CNN()
hidden.load_state_dict(shipped)
honest = CNN.forward
CNN.forward = lambda self, x: honest(hidden if recording._finished else self, x)
"""),
    Attack("test-labels-looked-up", ("hardly learns",), made="""
labels = {image.numpy().tobytes(): label for image, label in zip(X_test, Y_test)}
honest = CNN.forward
def look_up(self, x):
    return honest(self, x) + 100 * torch.stack([labels.get(image.numpy().tobytes(), torch.zeros(10)) for image in x])
CNN.forward = look_up
"""),
    Attack("false-accuracy-in-place-of-the-true-one", ("hardly learns",),
           edits=(("test accuracy {accuracy:.2%}", "test accuracy 99.50%"),)),
    Attack("false-accuracy-in-place-of-none", ("hardly learns", "nothing reported"),
           ended='print("test accuracy: 99.50%")\n'),
    Attack("forged-frames-on-the-wire", ("5 epochs",), ended="""
watch.wire.send({"kind": "score", "accuracy": 1.0, "points": 50})
"""),
    Attack("forged-end", ("5 epochs",), trained="""
watch.journal.flush()
for kind in ("ended", "done"):
    watch.wire.send({"kind": kind})
"""),
    Attack("exit-hooks", ("5 epochs",), """
import atexit, os
atexit.register(lambda: watch.wire.send({"kind": "events", "total": 10**6}))
sys.exitfunc = lambda: os._exit(0)
""", ended="sys.exit(0)\n"),
    Attack("figures-that-were-never-drawn", ("no plot",), ended="""
for kernel in model.conv.weight.detach().numpy():
    watch.wire.send({"kind": "figure", "event": 0, "at": None}, {"image": kernel[0]})
"""),
)  # fmt: skip
