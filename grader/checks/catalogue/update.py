"""Findings about the update of the parameters: Question 3.2."""

from __future__ import annotations

from grader.checks.catalogue.kinds import FindingKind


class NoStep(FindingKind):
    """The parameters are never updated.

    **What it is.** No update follows the backward pass: `optimizer.step()` is missing, or it is named but not called,
    as in `optimizer.step` without parentheses.

    **Why it matters.** Gradients alone change nothing. The network keeps its random weights through all ten epochs:
    we measured 8.5%, which is guessing.

    **How to see it.** A weight must differ after the step:
    ```python
    before = [parameter.detach().clone() for parameter in model.parameters()]
    optimizer.zero_grad()
    loss_function(model(train_X[:30])[0], F.one_hot(train_Y[:30], 10).float()).backward()
    optimizer.step()
    print([not torch.equal(old, new) for old, new in zip(before, model.parameters())])  # all True
    ```

    **What to read.** torch.optim.Optimizer.step:
    <https://pytorch.org/docs/stable/generated/torch.optim.Optimizer.step.html>
    """

    id = "update.no-step"
    question = "3.2"
    severity = "fault"
    hint = "Call optimizer.step(), with its parentheses, after each backward pass."
    rows = ("G2", "G8")


class NoZeroGrad(FindingKind):
    """The gradients are never cleared.

    **What it is.** `backward()` adds to `.grad`; it does not replace what is there. Without `zero_grad()` each update
    uses the sum of the gradients of all batches since the beginning.

    **Why it matters.** The steps become longer and longer and follow the past instead of the present batch: we found
    them 15 times too long and with a cosine of 0.06 to the right direction. We measured 10.0% with usual learning
    rates of 0.01 and 0.05. A rate of 0.001 hides it, with 89.8%, but does not mend it.

    **How to see it.** Two backward passes on the same batch without clearing give twice the gradient:
    ```python
    for _ in range(2):
        loss_function(model(train_X[:30])[0], F.one_hot(train_Y[:30], 10).float()).backward()
        print(next(model.parameters()).grad.norm())  # the second is twice the first
    ```

    **What to read.** torch.optim.Optimizer.zero_grad:
    <https://pytorch.org/docs/stable/generated/torch.optim.Optimizer.zero_grad.html>
    """

    id = "update.no-zero-grad"
    question = "3.2"
    severity = "fault"
    hint = "Call optimizer.zero_grad() once for each batch, before its backward pass."
    rows = ("G1",)


class ClearedBeforeStep(FindingKind):
    """The gradients are cleared before the update can use them.

    **What it is.** `zero_grad()` stands between `backward()` and `step()`, or `step()` comes before `backward()` in a
    loop that clears the gradients first. The step finds no gradients.

    **Why it matters.** SGD passes over parameters without a gradient, and no error is raised. The weights stay
    random: we measured 8.5%, which is guessing.

    **How to see it.** Just before the step the gradients must be there:
    ```python
    loss = loss_function(model(train_X[:30])[0], F.one_hot(train_Y[:30], 10).float())
    optimizer.zero_grad()
    loss.backward()
    print([parameter.grad is not None for parameter in model.parameters()])  # all True
    optimizer.step()
    ```

    **What to read.** PyTorch tutorial, Optimizing Model Parameters:
    <https://pytorch.org/tutorials/beginner/basics/optimization_tutorial.html>
    """

    id = "update.cleared-before-step"
    question = "3.2"
    severity = "fault"
    hint = "Keep the order zero_grad, backward, step."
    rows = ("G3", "G4")


class StepFrequency(FindingKind):
    """The parameters are not updated once a batch.

    **What it is.** `step()` stands in another loop than it should: it runs for each image while the gradients are
    cleared once a batch, or only once an epoch.

    **Why it matters.** A step for each image with gradients that keep adding up takes steps that are far too long: we
    measured 9.6%, which is guessing. One step an epoch makes ten updates in all, in place of 20,000.

    **How to see it.** Count the steps of an epoch; there should be as many as batches:
    ```python
    steps = 0
    for start in range(0, len(train_X), batch_size):
        steps += 1  # beside optimizer.step()
    print(steps)  # 2000 with 60000 images
    ```

    **What to read.** PyTorch tutorial, Optimizing Model Parameters:
    <https://pytorch.org/tutorials/beginner/basics/optimization_tutorial.html>
    """

    id = "update.step-frequency"
    question = "3.2"
    severity = "fault"
    hint = "Call optimizer.step() exactly once for each batch, at the level of the loop over the batches."
    rows = ("G6", "G7")


class ZeroFrequency(FindingKind):
    """The gradients are not cleared once for each update.

    **What it is.** `zero_grad()` stands in another loop than it should, for instance in the loop over the images of a
    batch, while `step()` runs once a batch; or it runs once an epoch.

    **Why it matters.** Cleared for each image, only the last one's gradient is left for the step, and the work on the
    other 29 is thrown away: we measured 84.3% instead of 95.8%. Cleared once an epoch, gradients of old batches
    remain.

    **How to see it.** With one backward pass an image, clear before the first and step after the last:
    ```python
    optimizer.zero_grad()
    for i in range(30):
        loss = loss_function(model(train_X[i])[0], F.one_hot(train_Y[i : i + 1], 10).float())
        (loss / 30).backward()
    optimizer.step()
    ```

    **What to read.** torch.optim.Optimizer.zero_grad:
    <https://pytorch.org/docs/stable/generated/torch.optim.Optimizer.zero_grad.html>
    """

    id = "update.zero-frequency"
    question = "3.2"
    severity = "fault"
    hint = "Call optimizer.zero_grad() exactly once for each call of optimizer.step()."
    rows = ("G5",)
