"""Findings about the accuracy beside the reference."""

from __future__ import annotations

from grader.checks.catalogue.kinds import FindingKind


class BelowReference(FindingKind):
    """The trained network reads fewer digits than the reference does.

    **What it is.** Your final weights were tested on the whole test set. The accuracy lies below what the reference
    network reaches with the same data, batches and epochs, beyond the spread of its own runs.

    **Why it matters.** Marks fall in a straight line from the reference's band to none at 10%, which guessing
    reaches. On all of MNIST with a learning rate of 0.01 a correct solution gets about 97.3%. If your accuracy is
    low, another finding in the report usually tells the reason; if there is none, try another learning rate.

    **How to see it.** Test your network on the whole set, and see which digits it mistakes:
    ```python
    with torch.no_grad():
        predicted = model(test_X)[0].argmax(dim=1)
    print(100 * (predicted == test_Y).float().mean())
    for digit in range(10):
        print(digit, (predicted[test_Y == digit] == digit).float().mean())
    ```

    **What to read.** torch.optim.SGD, `lr`: <https://pytorch.org/docs/stable/generated/torch.optim.SGD.html>
    """

    id = "accuracy.below-reference"
    question = "accuracy"
    severity = "fault"
    hint = "Mend the other findings first, then try a learning rate between 0.01 and 0.1."
    rows = ()


class Suspicious(FindingKind):
    """The accuracy is not explained by the training that was seen.

    **What it is.** The network reads digits better than its recorded updates can account for, or its scores change
    with the order or the company of the images. Weights that were loaded from a file are one possible reason.

    **Why it matters.** No marks are lost by it; a person looks at your work. There may be a good reason, such as
    training in a process of its own, which could not be watched. Work that shows its whole training is the easiest to
    believe.

    **How to see it.** Set a seed, restart the Jupyter kernel, run all cells, and look whether the same accuracy comes
    out, and whether the network starts by guessing:
    ```python
    torch.manual_seed(5)
    fresh = CNN()  # as you make yours, before any training
    print((fresh(test_X)[0].argmax(dim=1) == test_Y).float().mean())  # about 0.1
    ```

    **What to read.** PyTorch, Reproducibility: <https://pytorch.org/docs/stable/notes/randomness.html>
    """

    id = "accuracy.suspicious"
    question = "accuracy"
    severity = "warning"
    hint = "Train the network in the submitted program itself, from its random start to the final weights."
    rows = ()
