"""What students' programs need works inside: torch, DataLoader workers, plots, and a Jupyter kernel over IPC."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from grader.sandbox import fonts
from grader.sandbox.values import Level, Program
from tests.sandbox.programs import keeps_user, run_code

FORKS = True

TRAINING = """
import hashlib, torch
torch.manual_seed(0)
model = torch.nn.Sequential(torch.nn.Conv2d(1, 10, 8, stride=2), torch.nn.ReLU(), torch.nn.Flatten(),
                            torch.nn.Linear(1210, 10))
optimizer = torch.optim.SGD(model.parameters(), 0.1)
for _ in range(3):
    optimizer.zero_grad()
    torch.nn.functional.cross_entropy(model(torch.rand(30, 1, 28, 28)), torch.randint(10, (30,))).backward()
    optimizer.step()
digest = hashlib.sha256(b"".join(p.detach().numpy().tobytes() for p in model.parameters())).hexdigest()
"""


def test_torch_trains_as_outside(level: Level) -> None:
    """Three steps of training give the same weights, bit for bit, and the same kernels are chosen as outside."""
    code = TRAINING + "send([digest, torch.backends.cpu.get_cpu_capability(), torch.get_num_threads()])"
    inside, outside = (run_code(code, each).evidence for each in (level, "none"))
    assert inside == outside and inside.endswith("1]")


def test_data_loader_workers(level: Level) -> None:
    """A DataLoader with two worker processes delivers every sample, through shared memory where the run has that."""
    if keeps_user(level):
        pytest.skip("there, the recorder has loaders do without: tests/pipeline/test_pipeline_shared_memory.py")
    code = """
import torch
from torch.utils.data import DataLoader, TensorDataset
loader = DataLoader(TensorDataset(torch.arange(64)), batch_size=8, num_workers=2)
send(sum(int(batch.sum()) for (batch,) in loader))
"""
    assert run_code(code, level).evidence == "2016"


def test_plotting_does_not_rebuild_the_font_list(level: Level) -> None:
    """matplotlib draws text into a PNG with the font list that it was given."""
    assert fonts.font_cache()
    code = """
folder = os.environ["MPLCONFIGDIR"]
before = {name: os.stat(f"{folder}/{name}").st_mtime_ns for name in os.listdir(folder)}
import matplotlib
matplotlib.use("agg")
import matplotlib.pyplot as plt
plt.title("text")
plt.savefig("plot.png")
after = {name: os.stat(f"{folder}/{name}").st_mtime_ns for name in before}
send([len(before) > 0, before == after, os.path.getsize("plot.png") > 1000])
"""
    assert run_code(code, level).evidence == "[True, True, True]"


def test_a_jupyter_kernel_runs_over_ipc(level: Level) -> None:
    """A kernel starts inside, runs code and shell commands in the workspace, and imports the recorder's package."""
    code = """
from jupyter_client import KernelManager
manager = KernelManager(transport="ipc", ip=os.environ["TMPDIR"] + "/kernel")
manager.start_kernel()
client = manager.client()
client.start_channels()
client.wait_for_ready(timeout=30)
texts = []
def hook(message):
    if message["msg_type"] in ("stream", "error"):
        texts.append(str(message["content"].get("text") or message["content"].get("evalue")))
client.execute_interactive("import os; print(6 * 7, os.getcwd() == " + repr(os.getcwd()) + ")", output_hook=hook,
                           timeout=30)
client.execute_interactive("!echo shell", output_hook=hook, timeout=30)
send("".join(texts).strip())
client.stop_channels()
manager.shutdown_kernel(now=True)
"""
    # Terminals of their own, which IPython's `!command` asks for, are only for runs of another user.
    shell = "out of pty devices" if keeps_user(level) else "shell"
    assert run_code(code, level).evidence.split(maxsplit=2) == ["42", "True", shell]


def test_the_allocator_is_optional(level: Level) -> None:
    """With `preload` off nothing is preloaded; with it on, the program starts all the same."""
    code = "send('LD_PRELOAD' in os.environ)"
    assert run_code(code, level, program=Program((), preload=False)).evidence == "False"
    assert run_code(code, level).outcome.status == "finished"


def test_one_thread_each(level: Level) -> None:
    """Every library of numbers is told to use one thread, and hashes are the same in every run."""
    code = "import json; send(json.dumps(dict(os.environ)))"
    variables = json.loads(run_code(code, level).evidence)
    assert {variables[f"{name}_NUM_THREADS"] for name in ("OMP", "MKL", "OPENBLAS", "NUMEXPR")} == {"1"}
    assert variables["PYTHONHASHSEED"] == "0" and variables["PYTHONDONTWRITEBYTECODE"] == "1"
    assert variables["LANG"] == "C.UTF-8"


def test_the_font_list_is_made_once(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The list is built into the grader's cache, and read from there by the next grader."""
    fonts.font_cache.cache_clear()
    try:
        made = fonts.font_cache()
        assert made and all(name.startswith("fontlist-") for name in made)
        stored = list(cache.glob("fonts-*/fontlist-*.json"))
        assert [path.read_bytes() for path in stored] == list(made.values())
        stored[0].write_bytes(b"kept")
        fonts.font_cache.cache_clear()
        assert list(fonts.font_cache().values()) == [b"kept"]
    finally:
        fonts.font_cache.cache_clear()
