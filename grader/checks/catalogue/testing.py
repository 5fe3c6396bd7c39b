"""Findings about the test phase and what the program reports: Question 3.3."""

from __future__ import annotations

from grader.checks.catalogue.kinds import FindingKind


class Missing(FindingKind):
    """There is no test phase.

    **What it is.** No test image went through the trained model.

    **Why it matters.** The training loss only tells how well the network fits what it has seen. Whether it reads
    digits that it has not seen, which is what it is for, only the test set shows.

    **How to see it.** After each epoch's training, go through the test set with forward passes and losses only:
    ```python
    test_loss, test_hits = 0.0, 0
    with torch.no_grad():
        for start in range(0, len(test_X), batch_size):
            X, Y = test_X[start : start + batch_size], test_Y[start : start + batch_size]
            y_hat, z_1, v_1 = model(X)
            test_loss += loss_function(y_hat, F.one_hot(Y, num_classes=10).float()).item()
            test_hits += hits(y_hat, Y)
    print(test_loss / len(test_X), 100 * test_hits / len(test_X))
    ```

    **What to read.** PyTorch tutorial, Optimizing Model Parameters:
    <https://pytorch.org/tutorials/beginner/basics/optimization_tutorial.html>
    """

    id = "test.missing"
    question = "3.3"
    severity = "fault"
    hint = "Add a loop over the test set with forward pass and loss after each epoch's training."
    rows = ("H1",)


class UpdatesModel(FindingKind):
    """The model learns in the test phase.

    **What it is.** While test images went through, there was a backward pass with an update. Usually the training
    loop was copied and its last lines were left in.

    **Why it matters.** Once the network has learnt from the test images, they no longer stand for new ones. The test
    accuracy rises without the network becoming better: we measured 98.2% in place of 95.8%.

    **How to see it.** The weights must be the same before and after the test phase:
    ```python
    before = [parameter.detach().clone() for parameter in model.parameters()]
    with torch.no_grad():
        y_hat, z_1, v_1 = model(test_X[:30])  # your test phase here
    print(all(torch.equal(old, new) for old, new in zip(before, model.parameters())))  # True
    ```

    **What to read.** torch.no_grad: <https://pytorch.org/docs/stable/generated/torch.no_grad.html>
    """

    id = "test.updates-model"
    question = "3.3"
    severity = "fault"
    hint = "Remove backward and step from the test phase and put it under torch.no_grad()."
    rows = ("H2",)


class OnTrainingData(FindingKind):
    """The test phase runs on training images.

    **What it is.** The images that went through the model in the test phase come from the training set. Usually a
    name was not changed when the loop was copied.

    **Why it matters.** It measures how well the network remembers. The number looks good, and says nothing about
    images that it has not seen.

    **How to see it.** In the test phase both slices must come from the test set:
    ```python
    X, Y = test_X[0:batch_size], test_Y[0:batch_size]
    print(torch.equal(X, test_X[:30]), torch.equal(X, train_X[:30]))  # True False
    ```

    **What to read.** scikit-learn, Cross-validation, on held-out data:
    <https://scikit-learn.org/stable/modules/cross_validation.html>
    """

    id = "test.on-training-data"
    question = "3.3"
    severity = "fault"
    hint = "Take images and labels of the test phase from the test set."
    rows = ("H3",)


class TestCoverage(FindingKind):
    """The test phase does not reach the whole test set.

    **What it is.** A part of the test images was never looked at: the batches overlap, the loop has the length of
    another set, or the last images are left out.

    **Why it matters.** A measurement on a few images is inexact, and unfair if they are easy ones. A network that was
    tested on overlapping windows of the first 199 images printed 94.5%; on all 10,000 it has 89.6%.

    **How to see it.** Count the images that your test loop sees, and divide by just that number:
    ```python
    seen = 0
    for start in range(0, len(test_X), batch_size):
        seen += len(test_X[start : start + batch_size])  # the last batch has only 10 of MNIST's 10000
    print(seen, len(test_X))
    ```

    **What to read.** Python's range: <https://docs.python.org/3/library/stdtypes.html#ranges>
    """

    id = "test.coverage"
    question = "3.3"
    severity = "fault"
    hint = "Go through all test images, each once, including the last batch that is smaller."
    rows = ("H11",)


class StaleOutput(FindingKind):
    """The test loss is not computed from the test images' scores.

    **What it is.** The loss of the test phase used scores of an earlier forward pass, such as the last training
    batch, because the result of the new pass was given another name or was not kept.

    **Why it matters.** The loss then compares labels of the test set with scores for other images. The number means
    nothing, although nothing fails.

    **How to see it.** Right after the forward pass compute it again and compare:
    ```python
    X, Y = test_X[:30], test_Y[:30]
    y_hat, z_1, v_1 = model(X)
    print(torch.equal(y_hat, model(X)[0]))  # True: these scores belong to X
    print(F.cross_entropy(y_hat, Y))
    ```

    **What to read.** PyTorch tutorial, Optimizing Model Parameters:
    <https://pytorch.org/tutorials/beginner/basics/optimization_tutorial.html>
    """

    id = "test.stale-output"
    question = "3.3"
    severity = "fault"
    hint = "Compute the test loss from the scores that the model has just given for this test batch."
    rows = ("H4",)


class GradientsOn(FindingKind):
    """The test phase runs with gradients switched on.

    **What it is.** The forward passes of the test phase are not under `torch.no_grad()`, so PyTorch notes every
    operation for a backward pass that never comes.

    **Why it matters.** No marks are lost by it, and the numbers are the same. It costs time and memory, and it lets a
    stray `backward()` go through. This network has no dropout or batch normalisation, so `eval()` changes nothing
    either.

    **How to see it.** Scores that were computed under `no_grad` have no history:
    ```python
    with torch.no_grad():
        y_hat, z_1, v_1 = model(test_X[:30])
    print(y_hat.requires_grad)  # False
    ```

    **What to read.** torch.no_grad: <https://pytorch.org/docs/stable/generated/torch.no_grad.html>
    """

    id = "test.gradients-on"
    question = "3.3"
    severity = "note"
    hint = "Put the test phase under torch.no_grad()."
    rows = ("H5",)


class WrongMetric(FindingKind):
    """The printed loss or accuracy is not computed as it should be.

    **What it is.** The printed numbers were compared with those recomputed from your own model's scores. They differ
    by a wrong divisor, or because sums are not set back to 0 at the start of each epoch.

    **Why it matters.** A number is of use only if it is what its name says. Sums that run on make the loss seem to
    rise and the accuracy exceed 100%; divided by the number of batches instead of images, hits come out up to 30
    times too large.

    **How to see it.** Recompute one of them in a single line, under `no_grad`:
    ```python
    with torch.no_grad():
        y_hat, z_1, v_1 = model(test_X)
    print(100 * hits(y_hat, test_Y) / len(test_X))  # in percent
    ```

    **What to read.** torch.argmax, which `hits` uses: <https://pytorch.org/docs/stable/generated/torch.argmax.html>
    """

    id = "report.wrong-metric"
    question = "3.3"
    severity = "fault"
    hint = "Set the sums to 0 at the start of each phase and divide by the number of images that were added."
    rows = ("H8", "H9")


class AccuracyMismatch(FindingKind):
    """The accuracy that was printed is not the one that was measured.

    **What it is.** After the run, your final weights were tested on the whole test set. The result differs from the
    last test accuracy that your program printed.

    **Why it matters.** No further marks are lost by it, but it points to a mistake: the test covers a part of the
    test set, the hits are counted at the wrong axis, or the number was typed in.

    **How to see it.** Test the whole set at once, after the last epoch:
    ```python
    with torch.no_grad():
        predicted = model(test_X)[0].argmax(dim=1)  # dim=1: over the ten scores of each image
    print(100 * (predicted == test_Y).float().mean())
    ```

    **What to read.** torch.argmax, `dim`: <https://pytorch.org/docs/stable/generated/torch.argmax.html>
    """

    id = "report.accuracy-mismatch"
    question = "3.3"
    severity = "warning"
    hint = "Compute the printed accuracy from the hits over the whole test set."
    rows = ("H12",)
