"""Other ways to write one step of the program that `tests.tamper.programs` has, each as right as the other."""

from __future__ import annotations

import re
from random import Random

from tests.edits import edited
from tests.properties.layout import starts

IMPORTED = "from torch import nn\n"
BATCHES = "    for x, y in zip(X.split(30), Y.split(30)):\n"
CLEARED = "        optimizer.zero_grad()\n"
STEP = "        optimizer.step()\n"
BACKWARD = "        loss.backward()\n"
MADE = "model = CNN()\n"
TEST_BATCHES = "        for x, y in zip(X_test.split(20), Y_test.split(20)):\n"
ONE_HOT = re.compile(r"torch\.from_numpy\((train|test)\[\"Y\"\]\)\.float\(\)")
EPOCHS = "for epoch in range("


def other_order(text: str, random: Random) -> str:
    """The training images in another order, in each epoch or for good."""
    loader = "torch.utils.data.DataLoader(torch.utils.data.TensorDataset(X, Y), batch_size=30, shuffle=True)"
    drawn = "    for rows in {}.split(30):\n        x, y = X[rows], Y[rows]\n"
    ways = (
        drawn.format("torch.randperm(len(X))"),
        drawn.format("torch.from_numpy(np.random.permutation(len(X)))"),
        f"    for x, y in {loader}:\n",
        "    for x, y in reversed(list(zip(X.split(30), Y.split(30)))):\n",
        "    mixed = torch.randperm(len(X))\n    X, Y = X[mixed], Y[mixed]\n" + BATCHES,
        "    for start in np.random.permutation(np.arange(0, len(X), 30)):\n"
        "        x, y = X[start : start + 30], Y[start : start + 30]\n",
        "    for rows in np.array_split(np.random.permutation(len(X)), 10):\n        x, y = X[rows], Y[rows]\n",
    )
    return edited(text, [(BATCHES, random.choice(ways))])


def on_a_device(text: str, random: Random) -> str:
    """Whatever device there is, model and images are moved to it."""
    choose = random.choice(
        (
            'device = torch.device("cuda" if torch.cuda.is_available() else "cpu")\n',
            'device = "cuda:0" if torch.cuda.is_available() else "cpu"\nprint(f"device: {device}")\n',
            'device = torch.device("cpu")\ntorch.set_default_device(device)\n',
        )
    )
    moved = random.choice(
        ("x, y = x.to(device), y.to(device)", "x, y = [t.to(device, non_blocking=True) for t in (x, y)]")
    )
    made = random.choice(
        ("model = CNN().to(device)\n", "model = CNN()\nmodel = model.to(device)\n", "model = CNN()\nmodel.to(device)\n")
    )
    edits = [
        (IMPORTED, f"{IMPORTED}\n{choose}"),
        (BATCHES, f"{BATCHES}        {moved}\n"),
        (TEST_BATCHES, f"{TEST_BATCHES}            {moved}\n"),
        (MADE, made),
    ]
    return edited(text, edits)


def other_clearing(text: str, random: Random) -> str:
    """The gradients cleared in another way or at another place, once a step."""
    each = "        for parameter in model.parameters():\n"
    ways = (
        (CLEARED, "        model.zero_grad()\n"),
        (CLEARED, "        optimizer.zero_grad(set_to_none=False)\n"),
        (CLEARED, f"{each}            parameter.grad = None\n"),
        (CLEARED, f"{each}            if parameter.grad is not None:\n                parameter.grad.zero_()\n"),
        (STEP, f"{STEP}{CLEARED}"),
        (BACKWARD, f"{CLEARED}{BACKWARD}"),
        (STEP, f"{STEP}        model.zero_grad(set_to_none=True)\n"),
    )
    place, new = random.choice([way for way in ways if way[0] in text])
    return edited(text, [(place, new)] if place == CLEARED else [(CLEARED, ""), (place, new)])


def other_one_hot(text: str, random: Random) -> str:
    """The targets made one-hot from the classes in another way."""
    labels = 'torch.from_numpy({}["Y"].argmax(1))'
    ways = (
        f"F.one_hot({labels}, num_classes=10).float()",
        f"F.one_hot({labels}, 10).to(torch.float32)",
        f"torch.eye(10)[{labels}]",
        'torch.tensor(np.eye(10, dtype=np.float32)[{}["Y"].argmax(1)])',
        f"({labels}[:, None] == torch.arange(10)).float()",
        f"(lambda c: torch.zeros(len(c), 10).scatter_(1, c.unsqueeze(1), 1.0))({labels})",
        f"torch.stack([torch.nn.functional.one_hot(c, 10) for c in {labels}]).float()",
        'torch.tensor([[float(c == k) for k in range(10)] for c in {}["Y"].argmax(1)])',
    )
    made, count = ONE_HOT.subn(lambda match: random.choice(ways).format(match[1]), text)
    if count != 2:
        raise ValueError(f"the targets of {count} sets were found")
    return made


def other_seed(text: str, random: Random) -> str:
    """Another seed, or another way to set one."""
    seed = random.randrange(2**31)
    ways = (
        f"torch.manual_seed({seed})\n",
        f"import random\n\nrandom.seed({seed})\nnp.random.seed({seed})\ntorch.manual_seed({seed})\n",
        f"_ = torch.manual_seed({seed})\ntorch.use_deterministic_algorithms(True)\n",
        "torch.seed()\n",
    )
    return edited(text, [(IMPORTED, f"{IMPORTED}\n{random.choice(ways)}")])


def talkative(text: str, random: Random) -> str:
    """More is printed and plotted, and the model is called more often than it needs to."""
    inside = (
        "print(end='')", "assert len(X_test) < len(X)", "plt.close(plt.figure())",
        "print('.', end='') if torch.rand(1).item() < 0.01 else None", "import time; began = time.time()",
    )  # fmt: skip
    outside = (
        "print(X[:1].min().item(), X[:1].max().item())", "plt.figure(); plt.imshow(X[0].reshape(28, 28)); plt.show()",
        "plt.figure(); plt.plot(np.arange(10) ** 2); plt.title('example'); plt.show()", "print(Y[:5])", "X_test[0]",
        "plt.figure(); plt.hist(Y.argmax(1).numpy(), bins=10); plt.close()", "print(torch.__version__)",
    )  # fmt: skip
    after = (
        "print(model)", "print(model(X[0:1]).shape)", "print(sum(p.numel() for p in model.parameters()))",
        "print(model(X_test[3:4]).argmax().item(), Y_test[3].argmax().item())",
        "for name, parameter in model.named_parameters(): print(name, parameter.shape)",
        "print(F.relu(model.conv(X_test[0].reshape(1, 1, 28, 28))).shape)",
    )  # fmt: skip
    lines = text.splitlines()
    loaded, made = (next(at for at, line in enumerate(lines, 1) if line.startswith(name)) for name in ("X_test", "opt"))
    put: dict[int, str] = {}
    for number, indent in starts(text):
        if number > made:
            kinds = inside if indent else (*outside, *after)
        else:
            kinds = outside if number > loaded and not indent else ()
        if kinds and random.random() < 0.35:
            put[number] = indent + random.choice(kinds)
    return "\n".join(f"{put[at]}\n{line}" if at in put else line for at, line in enumerate(lines, 1)) + "\n"


def cluttered(text: str, random: Random) -> str:
    """Things lie about that are never used: models, losses, optimizers, functions, an earlier attempt."""
    clutter = (
        "class Old(nn.Module):\n    def __init__(self):\n        super().__init__()\n"
        "        self.c = nn.Conv2d(1, 20, 5)\n\n    def forward(self, x):\n        return self.c(x).softmax(1)\n\n\n",
        "other = nn.Sequential(nn.Conv2d(1, 6, 5), nn.Sigmoid(), nn.Flatten(), nn.Linear(3456, 10))\n",
        "criterion = nn.MSELoss()\nloss_fn = nn.BCELoss()\n",
        "spare = torch.optim.Adam(nn.Linear(2, 2).parameters())\n",
        "def train(model, epochs=3):\n    for _ in range(epochs):\n        model.zero_grad()\n    return model\n\n\n",
        "batch_size = 64\nlearning_rate = 0.5\nepochs = 3\nkernel_size, stride = 5, 1\n",
        "model = nn.Linear(784, 10)\noptimizer = None\n",
    )
    chosen = random.sample(clutter, random.randint(1, 4))
    return edited(text, [(MADE, "\n".join([*chosen, MADE]))])


def other_lines(text: str, random: Random) -> str:
    """The epochs' lines printed in another form."""
    line = 'print(f"epoch {epoch + 1}: test loss {test_loss:.4f}, test accuracy {accuracy:.2%}")'
    ways = (
        'print("Epoch", epoch + 1, "Test Loss:", test_loss, "Test Accuracy:", accuracy)',
        'print(f"[{epoch + 1}/10] test_loss={test_loss:.3f} test_acc={100 * accuracy:.1f}%")',
        'print("%d | %.5f | test accuracy %.4f" % (epoch + 1, test_loss, accuracy))',
        'print("{}. epoch: accuracy on the test set: {:.2f} %, loss {:.3e}".format(epoch, 100 * accuracy, test_loss))',
        'print({"epoch": epoch, "test_loss": round(test_loss, 4), "test_accuracy": round(accuracy, 4)})',
    )
    return edited(text, [(line, random.choice(ways))])
