"""Findings about the training phase: targets, batches, epochs and the backward pass, Question 3.1."""

from __future__ import annotations

from grader.checks.catalogue.kinds import FindingKind


class NotOneHot(FindingKind):
    """The loss gets class indices where one-hot targets were asked for.

    **What it is.** The targets are integers, (N,), while the practical asks for rows of ten numbers, (N, 10), with a
    1 at the class and 0 elsewhere. `read_npz` returns indices, so they have to be converted.

    **Why it matters.** `CrossEntropyLoss` takes both, and the numbers are identical; so it costs the marks for the
    targets and nothing else. One-hot rows show what cross entropy does: it compares two distributions.

    **How to see it.** Both losses agree, and only the second is what was asked for:
    ```python
    y_hat, z_1, v_1 = model(train_X[:30])
    Y = F.one_hot(train_Y[:30], num_classes=10).float()
    print(Y.shape, F.cross_entropy(y_hat, train_Y[:30]), F.cross_entropy(y_hat, Y))
    ```

    **What to read.** torch.nn.functional.one_hot:
    <https://pytorch.org/docs/stable/generated/torch.nn.functional.one_hot.html>
    """

    id = "target.not-one-hot"
    question = "3.1"
    severity = "fault"
    hint = "Convert the labels with F.one_hot(Y, num_classes=10).float() before the loss."
    rows = ("F1",)


class WrongClass(FindingKind):
    """The targets name other classes than the images' labels do.

    **What it is.** The 1 in a target row stands at the wrong place, for instance one further because of `Y - 1`, or
    the rows have 9 or 11 places.

    **Why it matters.** The network learns exactly what it is told, here to call every digit by a wrong name. With
    labels off by one, training looks perfect and we measured 0.3%.

    **How to see it.** The largest entry of each row must stand at the label:
    ```python
    Y = F.one_hot(train_Y[:30], num_classes=10).float()
    print(torch.equal(Y.argmax(dim=1), train_Y[:30]))  # True
    ```

    **What to read.** torch.nn.functional.one_hot:
    <https://pytorch.org/docs/stable/generated/torch.nn.functional.one_hot.html>
    """

    id = "target.wrong-class"
    question = "3.1"
    severity = "fault"
    hint = "Put the 1 of each target row at the index that the label gives, with ten places a row."
    rows = ("F2",)


class Misaligned(FindingKind):
    """Images and targets of a batch do not belong together.

    **What it is.** The targets are labels of other images: images were shuffled and labels were not, or the two were
    sliced at different places.

    **Why it matters.** A label that has nothing to do with its image is noise. The best that the network can do is to
    give all classes the same probability, a loss of log(10) = 2.303, and that is where it stays.

    **How to see it.** Take both with the same indices, and draw one image with its label as the title:
    ```python
    import matplotlib.pyplot as plt

    order = torch.randperm(len(train_X))
    X, Y = train_X[order[:30]], train_Y[order[:30]]
    plt.imshow(X[0].reshape(28, 28), cmap="gray")
    plt.title(int(Y[0]))
    ```

    **What to read.** torch.utils.data.TensorDataset: <https://pytorch.org/docs/stable/data.html>
    """

    id = "target.misaligned"
    question = "3.1"
    severity = "fault"
    hint = "Use the same slice or the same shuffled indices for the images and for their labels."
    rows = ("F6",)


class OverlappingBatches(FindingKind):
    """Each batch repeats most of the one before it.

    **What it is.** The start of the batch moves on by less than its length, as in `X[i : i + 30]` with i = 0, 1, 2,
    ... With 2,000 such batches an epoch sees the first 2,029 of the 60,000 images, most of them 30 times.

    **Why it matters.** Each of these images counts for thirty, and the others are never seen. On all of MNIST this
    gave 89.6% where the correct loop gives 97.3%, though the printed losses look better, for the few images are soon
    known.

    **How to see it.** Print where the first batches begin; they should be 30 apart:
    ```python
    starts = list(range(0, len(train_X), batch_size))
    print(starts[:4], len(starts))  # [0, 30, 60, 90] 2000
    ```
    If you count batches instead, the slice is `X[30 * i : 30 * (i + 1)]`.

    **What to read.** Python's range: <https://docs.python.org/3/library/stdtypes.html#ranges>
    """

    id = "train.overlapping-batches"
    question = "3.1"
    severity = "fault"
    hint = "Let each batch begin where the last one ended, as range(0, len(X), 30) does."
    rows = ("F7",)


class Coverage(FindingKind):
    """An epoch does not reach the whole training set.

    **What it is.** Part of the training images never reached a backward pass: the index does not move on, the loop
    ends early, or it counts batches of another length.

    **Why it matters.** What the network has not seen it cannot learn from, and what it sees too often it learns by
    heart. An epoch is defined as one pass through the whole training set.

    **How to see it.** Collect the indices that your loop uses and count the different ones:
    ```python
    seen = set()
    for start in range(0, len(train_X), batch_size):
        seen.update(range(start, min(start + batch_size, len(train_X))))
    print(len(seen), "of", len(train_X))
    ```

    **What to read.** torch.utils.data.DataLoader: <https://pytorch.org/docs/stable/data.html>
    """

    id = "train.coverage"
    question = "3.1"
    severity = "fault"
    hint = "Let the loop go through all training images in each epoch."
    rows = ("F7",)


class BatchSize(FindingKind):
    """The parameters are not updated once for every 30 images.

    **What it is.** The practical asks for batches of 30. Yours had another size. It does not matter whether the 30 go
    through the model at once or one by one, as long as one update follows on them.

    **Why it matters.** The batch size decides how many updates an epoch has and how noisy their gradients are. With
    300 images a batch there are ten times fewer updates, and we measured 90.0% instead of 95.8%.

    **How to see it.** Print the number of images and of batches:
    ```python
    X = train_X[0:batch_size]
    print(len(X), len(range(0, len(train_X), batch_size)))  # 30 2000
    ```

    **What to read.** torch.utils.data.DataLoader, `batch_size`: <https://pytorch.org/docs/stable/data.html>
    """

    id = "train.batch-size"
    question = "3.1"
    severity = "fault"
    hint = "Use batches of 30 images."
    rows = ("F8",)


class Epochs(FindingKind):
    """The training does not go through the data ten times.

    **What it is.** The practical asks for 10 epochs. Yours had another number, or a `break` or `return` ended an
    epoch after its first batches.

    **Why it matters.** After one epoch the network is far from done: we measured 87.2%, and 95.8% after ten. With
    more than ten it has had more training than the reference that it is compared with.

    **How to see it.** Count the epochs and batches that really run; `range(1, 10)` has only nine numbers:
    ```python
    print(len(range(1, 10)), len(range(10)), len(range(1, 10 + 1)))  # 9 10 10
    ```

    **What to read.** Python's range: <https://docs.python.org/3/library/stdtypes.html#ranges>
    """

    id = "train.epochs"
    question = "3.1"
    severity = "fault"
    hint = "Train for 10 epochs, each through to its last batch."
    rows = ("F9", "F10")


class NoBackward(FindingKind):
    """There is no backward pass in the training.

    **What it is.** `loss.backward()` is missing, or cannot work: the loss is detached, was turned into a number by
    `.item()`, or was computed under `torch.no_grad()`.

    **Why it matters.** The backward pass is what computes the gradients. Without them an update changes nothing, and
    the network stays at its random weights: we measured 8.5%, which is guessing.

    **How to see it.** After the backward pass every parameter has a gradient:
    ```python
    loss = loss_function(model(train_X[:30])[0], F.one_hot(train_Y[:30], 10).float())
    loss.backward()
    print([parameter.grad is not None for parameter in model.parameters()])  # all True
    ```

    **What to read.** torch.Tensor.backward: <https://pytorch.org/docs/stable/generated/torch.Tensor.backward.html>
    """

    id = "train.no-backward"
    question = "3.1"
    severity = "fault"
    hint = "Call loss.backward() for each batch, outside torch.no_grad()."
    rows = ("F12", "F13", "F16")


class WrongGradient(FindingKind):
    """The gradient is not that of the loss over the batch.

    **What it is.** The gradients that the backward passes added were compared with those of your own loss over all
    images of the batch, and point elsewhere. Usually the loss that `backward()` got covers a part, such as the last
    image.

    **Why it matters.** The mean over 30 images points more reliably downhill than any one of them. With the last
    image alone the work on the other 29 is for nothing; its gradient had a cosine of 0.20 with the right one, where 1
    is equal.

    **How to see it.** The loss of a batch is the mean of the losses of its images:
    ```python
    scores, Y = model(train_X[:30])[0], F.one_hot(train_Y[:30], 10).float()
    single = torch.stack([loss_function(scores[i], Y[i]) for i in range(30)])
    print(loss_function(scores, Y), single.mean(), single[-1])  # the first two agree
    ```

    **What to read.** PyTorch, Autograd mechanics: <https://pytorch.org/docs/stable/notes/autograd.html>
    """

    id = "train.wrong-gradient"
    question = "3.1"
    severity = "fault"
    hint = "Call backward on a loss that covers all images of the batch."
    rows = ("F11",)


class Maximises(FindingKind):
    """The training makes the loss larger.

    **What it is.** The gradient points exactly the wrong way: there is a minus in front of the loss, the update adds
    the gradient instead of subtracting it, or `maximize=True` is set.

    **Why it matters.** Gradient descent walks downhill by subtracting the gradient. Uphill there is no end: the
    scores of the right classes fall without limit until the loss is NaN.

    **How to see it.** After a step on a batch its loss must be smaller than before:
    ```python
    Y = F.one_hot(train_Y[:30], 10).float()
    for _ in range(5):
        loss = loss_function(model(train_X[:30])[0], Y)
        optimizer.zero_grad(); loss.backward(); optimizer.step()
        print(loss.item())  # falls
    ```

    **What to read.** torch.optim.SGD, `maximize`: <https://pytorch.org/docs/stable/generated/torch.optim.SGD.html>
    """

    id = "train.maximises"
    question = "3.1"
    severity = "fault"
    hint = "Call backward on the loss itself and let the optimizer minimise it."
    rows = ("F18",)


class KeepsGraph(FindingKind):
    """The running loss keeps every batch's graph in memory.

    **What it is.** `train_loss += loss` adds tensors that know how they were computed. The sum then holds on to the
    graph of every batch of the epoch.

    **Why it matters.** No marks are lost by it, and the numbers are right. But memory grows with every batch, and
    with larger networks the program runs out of it.

    **How to see it.** A plain number has no history; a tensor that does shows a `grad_fn`:
    ```python
    loss = loss_function(model(train_X[:30])[0], F.one_hot(train_Y[:30], 10).float())
    print(loss, loss.item())  # tensor(..., grad_fn=...) and a float
    ```

    **What to read.** PyTorch, Frequently Asked Questions, on memory: <https://pytorch.org/docs/stable/notes/faq.html>
    """

    id = "train.keeps-graph"
    question = "3.1"
    severity = "warning"
    hint = "Add up loss.item() in place of loss."
    rows = ("F17",)
