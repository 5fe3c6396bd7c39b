"""Findings about the plot of the filters: Question 4."""

from __future__ import annotations

from grader.checks.catalogue.kinds import FindingKind


class PlotMissing(FindingKind):
    """The filters are not plotted.

    **What it is.** No figure of your program showed the kernels of the convolution. `plot_filters` was not called, or
    failed before it drew them. A figure of your own counts as well.

    **Why it matters.** An 8x8 kernel is the one part of the network that can be looked at: after training it shows
    which strokes and edges the network reacts to.

    **How to see it.** Give `plot_filters` one image, the kernels, and what the trained model makes of this image:
    ```python
    with torch.no_grad():
        y_hat, z_1, v_1 = model(test_X[0])
    plot_filters(test_X[0], model.convolution.weight, z_1, v_1)
    ```
    A weight that requires a gradient has to be detached before `.numpy()`: `weight.detach().numpy()`.

    **What to read.** matplotlib.pyplot.imshow:
    <https://matplotlib.org/stable/api/_as_gen/matplotlib.pyplot.imshow.html>
    """

    id = "plot.missing"
    question = "4"
    severity = "fault"
    hint = "Call plot_filters with the convolution's weight after the training."
    rows = ("I1",)


class UntrainedFilters(FindingKind):
    """The plotted filters are those from before the training.

    **What it is.** The figure shows the kernels as they were when the model was made: it was drawn before the
    training, from a copy that was taken before it, or from a model that was made anew.

    **Why it matters.** Random numbers have no strokes or edges to show. What you say about learned filters would be
    said about noise.

    **How to see it.** Draw after the training, in the last cell, and check that the kernels have changed since the
    start. Keep a real copy for that; without `clone()` it would change along with the weight:
    ```python
    start = model.convolution.weight.detach().clone()  # before the training
    print((model.convolution.weight - start).abs().max())  # after it: clearly above 0
    ```

    **What to read.** torch.clone: <https://pytorch.org/docs/stable/generated/torch.clone.html>
    """

    id = "plot.untrained-filters"
    question = "4"
    severity = "fault"
    hint = "Plot the weight of the trained model after the last epoch."
    rows = ("I2",)


class WrongTensor(FindingKind):
    """What is plotted is not the convolution's weight.

    **What it is.** The pictures are of another tensor: the dense layer's weights, the output of a layer, gradients,
    another model's kernels, or kernels whose pixels a reshape has put into the wrong order.

    **Why it matters.** Each picture should be one kernel, `weight[i, 0]`, an 8x8 array. `reshape(8, 8, 10)` has the
    right number of elements as well, but each of its pictures is a mixture of several kernels.

    **How to see it.** Compare what you plot with the weight itself:
    ```python
    H = model.convolution.weight.detach()
    print(H.shape)  # torch.Size([10, 1, 8, 8])
    pictures = H[:, 0]
    print(all(torch.equal(pictures[i], H[i, 0]) for i in range(10)))  # True
    ```

    **What to read.** torch.nn.Conv2d, on its weight: <https://pytorch.org/docs/stable/generated/torch.nn.Conv2d.html>
    """

    id = "plot.wrong-tensor"
    question = "4"
    severity = "fault"
    hint = "Plot weight[i, 0] of the trained model's convolution for each i."
    rows = ("I3", "I4", "I7")


class TooFew(FindingKind):
    """Fewer than ten different filters are plotted.

    **What it is.** The figure shows some of the ten kernels only, or the same one several times.

    **Why it matters.** The filters differ: some react to upright strokes, some to level ones, some hardly to
    anything. Which of them the network needs together, one sees only if all are there.

    **How to see it.** Use the index of the loop for both the axes and the kernel:
    ```python
    import matplotlib.pyplot as plt

    H = model.convolution.weight.detach()
    figure, axes = plt.subplots(1, len(H))
    for i, axis in enumerate(axes):
        axis.imshow(H[i, 0], cmap="gray")
    print(len(H))  # 10
    ```

    **What to read.** matplotlib.pyplot.subplots:
    <https://matplotlib.org/stable/api/_as_gen/matplotlib.pyplot.subplots.html>
    """

    id = "plot.too-few"
    question = "4"
    severity = "fault"
    hint = "Plot all ten kernels, each once."
    rows = ("I5",)
