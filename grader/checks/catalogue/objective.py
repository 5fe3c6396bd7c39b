"""Findings about the loss and the optimizer: Question 2.3, and softmax before cross entropy."""

from __future__ import annotations

from grader.checks.catalogue.kinds import FindingKind


class DoubleSoftmax(FindingKind):
    """Softmax is applied to the scores, and then once more by the cross entropy.

    **What it is.** The model ends with a softmax, or one is applied before the loss. `CrossEntropyLoss` computes the
    log softmax of its input itself, so the scores go through it twice.

    **Why it matters.** After the first softmax all scores lie between 0 and 1. Even a perfect answer, 1 for the right
    class and 0 for the nine others, has a loss of 1.4612, and the loss cannot fall below that. The gradients become
    small: we measured 87.0% instead of 95.8%. With `softmax(dim=0)`, over the batch instead of the classes, 85.0%.

    **How to see it.** Logits do not add up to 1; and the floor can be computed:
    ```python
    y_hat, z_1, v_1 = model(train_X[:5])
    print(y_hat.sum(dim=1))  # all 1: there is a softmax in the model
    print(F.cross_entropy(torch.eye(10), torch.arange(10)))  # tensor(1.4612)
    ```

    **What to read.** torch.nn.CrossEntropyLoss:
    <https://pytorch.org/docs/stable/generated/torch.nn.CrossEntropyLoss.html>
    """

    id = "loss.double-softmax"
    question = "2.2"
    severity = "fault"
    hint = "Return the logits as they are, because the cross entropy applies softmax itself."
    rows = ("B8", "E10")


class NotCrossEntropy(FindingKind):
    """The loss is not the cross entropy.

    **What it is.** Another function was minimised: mean squared error, absolute error, binary cross entropy, or
    `NLLLoss` on raw scores, which expects log probabilities.

    **Why it matters.** The cross entropy asks how probable the model finds the right class, which is the question
    here. We measured 93.1% with the mean squared error, 89.0% with binary cross entropy and 95.8% with cross entropy.
    `NLLLoss` on raw scores has no lower bound; the scores run off until they are NaN.

    **How to see it.** A model that knows nothing has a cross entropy near log(10) = 2.303. Compare with PyTorch's:
    ```python
    y_hat, z_1, v_1 = model(train_X[:30])
    print(loss_function(y_hat, F.one_hot(train_Y[:30], 10).float()), F.cross_entropy(y_hat, train_Y[:30]))
    ```
    Log softmax followed by `NLLLoss` is the same thing and is right.

    **What to read.** torch.nn.CrossEntropyLoss:
    <https://pytorch.org/docs/stable/generated/torch.nn.CrossEntropyLoss.html>
    """

    id = "loss.not-cross-entropy"
    question = "2.3"
    severity = "fault"
    hint = "Use nn.CrossEntropyLoss on the logits."
    rows = ("E2", "E3", "F5")


class SwappedArguments(FindingKind):
    """The loss got the targets first and the scores second.

    **What it is.** `CrossEntropyLoss` takes the scores first, then the targets. With one-hot targets both have shape
    (N, 10), so PyTorch cannot notice that they are exchanged.

    **Why it matters.** Softmax is then applied to the targets, and the scores are taken for probabilities. The sum
    that is minimised is linear in the scores, so it can fall for ever, and soon becomes negative, which the cross
    entropy of one-hot targets never is.

    **How to see it.** Name the arguments, and the order no longer matters:
    ```python
    y_hat, z_1, v_1 = model(train_X[:30])
    print(loss_function(input=y_hat, target=F.one_hot(train_Y[:30], 10).float()))
    ```

    **What to read.** torch.nn.functional.cross_entropy:
    <https://pytorch.org/docs/stable/generated/torch.nn.functional.cross_entropy.html>
    """

    id = "loss.swapped-arguments"
    question = "2.3"
    severity = "fault"
    hint = "Give the loss the scores first and the targets second."
    rows = ("E4",)


class NotSgd(FindingKind):
    """The optimizer is not stochastic gradient descent.

    **What it is.** The practical asks for SGD; the weights were updated by another rule, such as Adam or RMSprop.

    **Why it matters.** Adam is no bad optimizer: we measured 96.7% with it. But the task is plain gradient descent,
    where each weight moves by the learning rate times its gradient, and the result is compared with that. Momentum
    and weight decay are accepted, and so is an update that you write yourself.

    **How to see it.** Print the optimizer:
    ```python
    print(optimizer)  # SGD (...)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    ```

    **What to read.** torch.optim.SGD: <https://pytorch.org/docs/stable/generated/torch.optim.SGD.html>
    """

    id = "optimizer.not-sgd"
    question = "2.3"
    severity = "fault"
    hint = "Use torch.optim.SGD with this model's parameters."
    rows = ("E5",)


class WrongParameters(FindingKind):
    """The optimizer does not hold the parameters of the model that is trained.

    **What it is.** It was given a part of them, or those of another model: most often the model was made once more
    after the optimizer, for instance by running its cell again. The optimizer still holds the old one.

    **Why it matters.** What the optimizer does not hold is never updated. With an old model's parameters we measured
    11.5%, which is guessing; with the dense layer alone 89.2%, with the convolution alone 45.8%.

    **How to see it.** Compare the tensors themselves, by identity:
    ```python
    held = {id(p) for group in optimizer.param_groups for p in group["params"]}
    print([name for name, p in model.named_parameters() if id(p) not in held])  # []
    ```
    Make the model first and the optimizer right after it, in the same cell.

    **What to read.** PyTorch, torch.optim, Constructing it: <https://pytorch.org/docs/stable/optim.html>
    """

    id = "optimizer.wrong-parameters"
    question = "2.3"
    severity = "fault"
    hint = "Make the optimizer after the model, with model.parameters() of the model that you train."
    rows = ("E7",)


class Rebuilt(FindingKind):
    """The optimizer or the model is made anew during training.

    **What it is.** The line that makes the optimizer or the model stands inside the loop over epochs or batches.

    **Why it matters.** A new model starts from random weights, and what it learnt in earlier epochs is lost. A new
    optimizer forgets its state, such as the momentum, and may hold the parameters of a model that is gone.

    **How to see it.** Print the identity of both in each epoch; it must stay the same:
    ```python
    for epoch in range(2):
        print(epoch, id(model), id(optimizer))
    ```

    **What to read.** PyTorch tutorial, Optimizing Model Parameters:
    <https://pytorch.org/tutorials/beginner/basics/optimization_tutorial.html>
    """

    id = "optimizer.rebuilt"
    question = "2.3"
    severity = "fault"
    hint = "Make model and optimizer once, before the loop over the epochs."
    rows = ("E8",)


class LearningRate(FindingKind):
    """The learning rate is so large or so small that the network hardly learns.

    **What it is.** The learning rate is yours to choose, but with yours the loss jumps about or becomes NaN, or it
    hardly moves.

    **Why it matters.** Too large, a step leaps over the valley that it should go down into: we measured 35% with a
    rate of 1. Too small, ten epochs are not enough to get anywhere: 9.9% with 0.00001. It costs nothing by itself,
    but the accuracy suffers.

    **How to see it.** Print the loss of the first hundred batches; it should fall from about 2.3. Good values lie
    between 0.01 and 0.1 here:
    ```python
    print([group["lr"] for group in optimizer.param_groups])
    ```

    **What to read.** torch.optim.SGD, `lr`: <https://pytorch.org/docs/stable/generated/torch.optim.SGD.html>
    """

    id = "optimizer.learning-rate"
    question = "2.3"
    severity = "fault"
    hint = "Start with a learning rate of 0.01 and change it by factors of about three."
    rows = ("E6",)
