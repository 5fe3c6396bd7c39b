"""Findings about the forward pass: Question 2.2."""

from __future__ import annotations

from grader.checks.catalogue.kinds import FindingKind


class TransposedImage(FindingKind):
    """The images reach the convolution transposed.

    **What it is.** Rows and columns of each image are exchanged before the convolution, by a `.T`, a `transpose` or
    axes named in the wrong order.

    **Why it matters.** A network learns transposed digits just as well, so the accuracy does not tell: we measured
    96.4%. But its filters come out transposed, which falsifies what you say about them in Question 4, and the network
    is useless to anybody who gives it upright images.

    **How to see it.** Draw what you give to the convolution; the digit must stand upright:
    ```python
    import matplotlib.pyplot as plt

    x = train_X[:30].reshape(-1, 1, 28, 28)
    plt.imshow(x[0, 0], cmap="gray")
    ```

    **What to read.** torch.reshape: <https://pytorch.org/docs/stable/generated/torch.reshape.html>
    """

    id = "forward.transposed-image"
    question = "2.2"
    severity = "fault"
    hint = "Reshape the images to (-1, 1, 28, 28) and leave out the transposition."
    rows = ("C2",)


class ScrambledImage(FindingKind):
    """The images reach the convolution with their pixels in the wrong places.

    **What it is.** A reshape put the 784 numbers of an image into another order than row by row, or mixed the pixels
    of several images. It happens when axes are permuted before the reshape, or when the batch is not the first axis.

    **Why it matters.** `reshape` never fails as long as the number of elements fits. A convolution looks for patterns
    of neighbouring pixels, and scrambled images have none that mean anything: we measured 92.1% instead of 95.8%.

    **How to see it.** Each image after the reshape must be the image before it:
    ```python
    x = train_X[:30].reshape(-1, 1, 28, 28)
    print(all(torch.equal(x[i].flatten(), train_X[i]) for i in range(30)))  # True
    ```

    **What to read.** torch.Tensor.view, on which elements stay together:
    <https://pytorch.org/docs/stable/generated/torch.Tensor.view.html>
    """

    id = "forward.scrambled-image"
    question = "2.2"
    severity = "fault"
    hint = "Reshape the images to (-1, 1, 28, 28) directly, without permuting axes first."
    rows = ("C3",)


class BatchMixed(FindingKind):
    """The forward pass mixes the images of a batch with one another.

    **What it is.** Somewhere the axis of the batch is merged with others, as `reshape(1, -1)` does, or flattening
    starts at the wrong axis. The scores of one image then depend on the other images beside it.

    **Why it matters.** Each image has a label of its own, so each needs scores of its own, (N, 10). With mixed rows
    the loss pairs scores and labels that do not belong together, or the dense layer fails, because it gets one row of
    36,300 values instead of 30 rows of 1,210.

    **How to see it.** An image must get the same scores alone and in company:
    ```python
    alone, z_1, v_1 = model(train_X[:1])
    together, z_1, v_1 = model(train_X[:30])
    print(together.shape, torch.allclose(alone[0], together[0], atol=1e-5))  # torch.Size([30, 10]) True
    ```

    **What to read.** torch.flatten, `start_dim`: <https://pytorch.org/docs/stable/generated/torch.flatten.html>
    """

    id = "forward.batch-mixed"
    question = "2.2"
    severity = "fault"
    hint = "Keep the batch as the first axis, as flatten(start_dim=1) does."
    rows = ("C4",)


class ActivationDiscarded(FindingKind):
    """The activation is computed, but its result is not used.

    **What it is.** A line such as `F.relu(z_1)` returns a new tensor and leaves `z_1` as it is. The dense layer then
    gets `z_1`, with its negative values.

    **Why it matters.** The network behaves as if it had no activation: two linear maps in a row are one linear map.
    We measured 90.1% without an effective ReLU, 95.8% with it.

    **How to see it.** Give the result a name and use that name below. The smallest value going into the dense layer
    must be 0:
    ```python
    y_hat, z_1, v_1 = model(train_X[:30])
    v_1 = F.relu(z_1)
    print(v_1.flatten(start_dim=1).min().item())  # 0.0
    ```

    **What to read.** torch.nn.functional.relu:
    <https://pytorch.org/docs/stable/generated/torch.nn.functional.relu.html>
    """

    id = "forward.activation-discarded"
    question = "2.2"
    severity = "fault"
    hint = "Assign the result of ReLU to a name and pass that on to the dense layer."
    rows = ("C10",)


class ActivationOnLogits(FindingKind):
    """An activation is applied to the scores that the dense layer gives.

    **What it is.** After the dense layer comes another ReLU or a similar function. The practical's network ends with
    the dense layer; its output are the logits, which may be negative.

    **Why it matters.** ReLU turns every negative score into 0, and where a score is 0 no gradient comes back. A class
    whose score is negative for all images can never recover: we measured 83.0% instead of 95.8%.

    **How to see it.** Logits have both signs:
    ```python
    y_hat, z_1, v_1 = model(train_X[:30])
    print(y_hat.min().item() < 0)  # True
    ```

    **What to read.** torch.nn.CrossEntropyLoss, on its input:
    <https://pytorch.org/docs/stable/generated/torch.nn.CrossEntropyLoss.html>
    """

    id = "forward.activation-on-logits"
    question = "2.2"
    severity = "fault"
    hint = "Return the dense layer's output as it is."
    rows = ("B7",)


class Detached(FindingKind):
    """The forward pass cuts the connection that gradients travel on.

    **What it is.** `.detach()`, `.data`, `.numpy()`, `.item()`, `torch.tensor(...)` or `torch.no_grad()` inside the
    forward pass makes a tensor that no longer knows how it was computed.

    **Why it matters.** Backpropagation stops at that place. Layers before it get no gradient and keep their random
    weights; if it is the output itself, `backward()` fails: `element 0 of tensors does not require grad`.

    **How to see it.** The scores must have a `grad_fn`, and after a backward pass every parameter a gradient:
    ```python
    y_hat, z_1, v_1 = model(train_X[:30])
    print(y_hat.grad_fn)  # not None
    y_hat.sum().backward()
    print([name for name, parameter in model.named_parameters() if parameter.grad is None])  # []
    ```

    **What to read.** PyTorch, Autograd mechanics: <https://pytorch.org/docs/stable/notes/autograd.html>
    """

    id = "forward.detached"
    question = "2.2"
    severity = "fault"
    hint = "Remove detach, data, numpy and the like from the forward pass."
    rows = ("C8",)


class WrongOutput(FindingKind):
    """The forward pass does not return the scores.

    **What it is.** It returns nothing because `return` is missing, another stage such as `z_1`, the predicted class
    (`argmax`), or a tensor that is not (N, 10).

    **Why it matters.** The loss needs one score for each class and image. Without a `return` it gets `None`; from
    `argmax` no gradient can come back, because its result jumps from one class to another.

    **How to see it.** Print what comes out for a batch of 30 and for a single image:
    ```python
    for x in (train_X[:30], train_X[0]):
        y_hat, z_1, v_1 = model(x)
        print(y_hat.shape, y_hat.dtype, y_hat.requires_grad)  # (30, 10), then (1, 10); torch.float32 True
    ```

    **What to read.** PyTorch tutorial, Build the Neural Network:
    <https://pytorch.org/tutorials/beginner/basics/buildmodel_tutorial.html>
    """

    id = "forward.wrong-output"
    question = "2.2"
    severity = "fault"
    hint = "Return the dense layer's output, of shape (N, 10), first."
    rows = ("C6", "C7")


class FixedBatch(FindingKind):
    """The forward pass works for one batch size only.

    **What it is.** The number of images is written into a reshape, as in `x.reshape(30, 1, 28, 28)`. For any other
    number of images it fails: `shape '[30, 1, 28, 28]' is invalid for input of size 15680`.

    **Why it matters.** No marks are lost by it, and with 60,000 images all batches have 30. But a single image, as
    Question 4 needs it, or a last batch that is smaller, stops the program.

    **How to see it.** Try other numbers of images. With -1 PyTorch works the number out itself:
    ```python
    for n in (1, 7, 30):
        print(train_X[:n].reshape(-1, 1, 28, 28).shape, model(train_X[:n])[0].shape)
    ```

    **What to read.** torch.reshape: <https://pytorch.org/docs/stable/generated/torch.reshape.html>
    """

    id = "forward.fixed-batch"
    question = "2.2"
    severity = "warning"
    hint = "Write -1 in place of the number of images when you reshape."
    rows = ("C11",)
