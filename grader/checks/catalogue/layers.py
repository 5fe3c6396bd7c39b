"""Findings about the layers: Question 2.1."""

from __future__ import annotations

from grader.checks.catalogue.kinds import FindingKind


class KernelSize(FindingKind):
    """The convolution's kernels are not of the size that was asked for.

    **What it is.** The table of the practical asks for 8x8 kernels. The convolution that your images went through had
    kernels of another size.

    **Why it matters.** The kernel's size decides how much of a digit one filter sees, and the output's size with it:
    (28 - kernel) // stride + 1. With 5x5 kernels and stride 2 it is 12x12, no longer 11x11, and the accuracy that we
    measured falls from 95.8% to 94.7%. With 7x7 the output still is 11x11, so no error tells you.

    **How to see it.** Print the weight of the convolution, (output channels, input channels, height, width):
    ```python
    for name, parameter in model.named_parameters():
        print(name, tuple(parameter.shape))  # the convolution's weight: (10, 1, 8, 8)
    ```

    **What to read.** torch.nn.Conv2d: <https://pytorch.org/docs/stable/generated/torch.nn.Conv2d.html>
    """

    id = "layer.kernel-size"
    question = "2.1"
    severity = "fault"
    hint = "Give the convolution kernel_size=8."
    rows = ("B1",)


class Stride(FindingKind):
    """The convolution does not move by the stride that was asked for.

    **What it is.** The practical asks for a stride of 2, so the kernel moves two pixels at a time. PyTorch's default
    is 1, which is what you get if the argument is left out.

    **Why it matters.** With stride 1 the output is 21x21 instead of 11x11, and the dense layer needs 4,410 inputs
    instead of 1,210. The accuracy does not tell: we measured 96.7% with stride 1 and 95.8% with stride 2. But it is
    another network than the one asked for, with 3.6 times the work.

    **How to see it.** Put one image through the model and print the shape of the convolution's output:
    ```python
    y_hat, z_1, v_1 = model(train_X[0])
    print(z_1.shape)  # torch.Size([1, 10, 11, 11])
    ```

    **What to read.** torch.nn.Conv2d, `stride`: <https://pytorch.org/docs/stable/generated/torch.nn.Conv2d.html>
    """

    id = "layer.stride"
    question = "2.1"
    severity = "fault"
    hint = "Give the convolution stride=2."
    rows = ("B2",)


class Padding(FindingKind):
    """The convolution pads or dilates, which was not asked for.

    **What it is.** Zeros were added around the image before the convolution, or its kernel was spread out by a
    dilation. The practical's convolution does neither.

    **Why it matters.** Padding changes what the filters see at the border and the size of the output: with a padding
    of 2 it is 13x13 instead of 11x11. The accuracy does not show it; we measured 96.1% with and 95.8% without.

    **How to see it.** The output has (28 + 2 * padding - 8) // 2 + 1 rows. Print it:
    ```python
    y_hat, z_1, v_1 = model(train_X[0])
    print(z_1.shape)  # torch.Size([1, 10, 11, 11]) without padding
    ```

    **What to read.** torch.nn.Conv2d, `padding`: <https://pytorch.org/docs/stable/generated/torch.nn.Conv2d.html>
    """

    id = "layer.padding"
    question = "2.1"
    severity = "fault"
    hint = "Leave padding at 0 and dilation at 1, which are the defaults."
    rows = ("B2",)


class Channels(FindingKind):
    """The convolution has another number of channels than was asked for.

    **What it is.** The images are grey, so there is one input channel; the practical asks for ten kernels, so there
    are ten output channels. The convolution that ran had other numbers.

    **Why it matters.** Each output channel is one learned filter. With fewer the network has less to tell digits
    apart by; with more it is a larger network than the one that it is compared with. Question 4 plots exactly ten.

    **How to see it.** The first two numbers of the weight's shape are output and input channels:
    ```python
    for name, parameter in model.named_parameters():
        print(name, tuple(parameter.shape))  # the convolution's weight: (10, 1, 8, 8)
    ```

    **What to read.** torch.nn.Conv2d: <https://pytorch.org/docs/stable/generated/torch.nn.Conv2d.html>
    """

    id = "layer.channels"
    question = "2.1"
    severity = "fault"
    hint = "Give the convolution in_channels=1 and out_channels=10."
    rows = ("B3",)


class ExtraLayer(FindingKind):
    """The network has a layer that was not asked for.

    **What it is.** Between image and scores runs an operation beside convolution, ReLU and the dense layer: pooling,
    a second convolution, a hidden dense layer, batch normalisation or dropout.

    **Why it matters.** The task is a given, small network, which is compared with the same network. An extra layer
    may help or harm: with a dropout of 0.5 we measured 94.4% instead of 95.8%. And what it changes can hide other
    mistakes.

    **How to see it.** Print the model. Three layers, of which two have parameters, are all there should be; then read
    `forward` for operations that are no layers:
    ```python
    print(model)
    print(sum(parameter.numel() for parameter in model.parameters()))  # 12760 with both biases
    ```

    **What to read.** torch.nn.Module: <https://pytorch.org/docs/stable/generated/torch.nn.Module.html>
    """

    id = "layer.extra"
    question = "2.1"
    severity = "fault"
    hint = "Remove the extra layer, so that convolution, ReLU and dense layer remain."
    rows = ("B4",)


class MissingActivation(FindingKind):
    """There is no activation between the convolution and the dense layer.

    **What it is.** The output of the convolution reaches the dense layer as it is; no ReLU stands between them.

    **Why it matters.** A convolution is a linear map, and so is a dense layer. One after the other they are a single
    linear map, which can be no better than a classifier without a hidden layer: we measured 90.1% instead of 95.8%.
    The activation is what makes the network more than that.

    **How to see it.** After ReLU no value is negative; after a convolution many are:
    ```python
    y_hat, z_1, v_1 = model(train_X[:30])
    print(z_1.min().item(), v_1.min().item())  # negative, then exactly 0
    ```

    **What to read.** torch.nn.ReLU: <https://pytorch.org/docs/stable/generated/torch.nn.ReLU.html>
    """

    id = "layer.missing-activation"
    question = "2.1"
    severity = "fault"
    hint = "Apply ReLU to the convolution's output and give its result to the dense layer."
    rows = ("B5",)


class WrongActivation(FindingKind):
    """The activation after the convolution is not ReLU.

    **What it is.** Another function than ReLU, such as sigmoid, tanh or leaky ReLU, was applied to the convolution's
    output.

    **Why it matters.** ReLU passes the gradient of every positive value on unchanged. Sigmoid's slope is at most 0.25
    and almost zero for large values, so the kernels learn more slowly: we measured 92.5% with sigmoid, 95.8% with
    ReLU.

    **How to see it.** ReLU keeps what is positive and sets the rest to 0, which can be checked value by value:
    ```python
    y_hat, z_1, v_1 = model(train_X[:30])
    print(torch.equal(v_1, z_1.clamp(min=0)))  # True
    ```

    **What to read.** torch.nn.ReLU: <https://pytorch.org/docs/stable/generated/torch.nn.ReLU.html>
    """

    id = "layer.wrong-activation"
    question = "2.1"
    severity = "fault"
    hint = "Use ReLU as the activation after the convolution."
    rows = ("B6",)


class DenseSize(FindingKind):
    """The dense layer has the wrong number of inputs or outputs.

    **What it is.** The dense layer should take the 1,210 values that the convolution leaves of an image, and give ten
    scores. Yours has other numbers, or it failed because its inputs did not fit.

    **Why it matters.** With a wrong number of inputs PyTorch stops: `mat1 and mat2 shapes cannot be multiplied
    (30x1210 and 1000x10)`. With a wrong number of outputs it runs, but there is no score for some class, or one for a
    class that does not exist.

    **How to see it.** Work it out: (28 - 8) // 2 + 1 = 11, and 11 * 11 * 10 = 1210. Or let the convolution tell you:
    ```python
    z_1 = nn.Conv2d(1, 10, kernel_size=8, stride=2)(torch.zeros(1, 1, 28, 28))
    print(z_1.shape, z_1.numel())  # torch.Size([1, 10, 11, 11]) 1210
    ```

    **What to read.** torch.nn.Linear: <https://pytorch.org/docs/stable/generated/torch.nn.Linear.html>
    """

    id = "layer.dense-size"
    question = "2.1"
    severity = "fault"
    hint = "Make the dense layer nn.Linear(1210, 10), because the convolution leaves 11x11x10 values of an image."
    rows = ("B9",)


class NotRegistered(FindingKind):
    """A layer is not registered with the model, so it is not among its parameters.

    **What it is.** A layer is kept in a plain Python list, a dictionary or a global variable. A module only knows the
    layers that are its own attributes.

    **Why it matters.** `model.parameters()` leaves that layer out, so no optimizer ever updates it: with the dense
    layer alone being trained we measured 89.2%. If all layers are missing, the optimizer refuses its empty list.

    **How to see it.** Four tensors should be listed, weight and bias of each layer (two with `bias=False`):
    ```python
    print([name for name, parameter in model.named_parameters()])
    ```
    Make each layer an attribute (`self.dense = ...`), or keep them in an `nn.ModuleList`.

    **What to read.** torch.nn.ModuleList: <https://pytorch.org/docs/stable/generated/torch.nn.ModuleList.html>
    """

    id = "layer.not-registered"
    question = "2.1"
    severity = "fault"
    hint = "Make every layer an attribute of the module, set in its __init__ after super().__init__()."
    rows = ("B10",)


class Recreated(FindingKind):
    """A layer is made anew in every forward pass.

    **What it is.** `nn.Conv2d(...)` or `nn.Linear(...)` is called inside `forward`. Each call makes a new layer with
    new random weights, uses it once and throws it away.

    **Why it matters.** What an update changes is gone with the next batch, so this layer never learns. The rest of
    the network has to work with random features that are different each time.

    **How to see it.** The same image must give the same scores twice:
    ```python
    first, second = model(train_X[:1])[0], model(train_X[:1])[0]
    print(torch.equal(first, second))  # True
    ```

    **What to read.** PyTorch tutorial, Build the Neural Network:
    <https://pytorch.org/tutorials/beginner/basics/buildmodel_tutorial.html>
    """

    id = "layer.recreated"
    question = "2.1"
    severity = "fault"
    hint = "Make the layers once, in __init__, and only call them in forward."
    rows = ("B13",)
