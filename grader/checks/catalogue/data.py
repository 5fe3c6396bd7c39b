"""Findings about the data: Question 1, and what a mistake with the data does to training and testing."""

from __future__ import annotations

from grader.checks.catalogue.kinds import FindingKind


class NotLoaded(FindingKind):
    """The practical's data was not loaded.

    **What it is.** Your program did not read both `data/train.npz` and `data/test.npz`. How they are read does not
    matter: `read_npz`, `numpy.load` and your own code all count.

    **Why it matters.** Training and testing on other data, or on made-up tensors, answers another question. The test
    set measures something only if it is the one that everybody uses.

    **How to see it.** After Question 1 you should have 60,000 training and 10,000 test images, 784 numbers each:
    ```python
    for X, Y in ((train_X, train_Y), (test_X, test_Y)):
        print(X.shape, X.dtype, Y.shape, Y.dtype)
    ```
    Give paths relative to the notebook, such as `"data/train.npz"`: a path of your own disk exists nowhere else.

    **What to read.** numpy.load: <https://numpy.org/doc/stable/reference/generated/numpy.load.html>
    """

    id = "data.not-loaded"
    question = "1"
    severity = "fault"
    hint = 'Read both files with read_npz("data/train.npz") and read_npz("data/test.npz").'
    rows = ("A1",)


class SwappedSplits(FindingKind):
    """The training set and the test set are swapped, or one file was loaded twice.

    **What it is.** What your program calls training data comes from `test.npz`, or both names hold the same file.

    **Why it matters.** Trained on 10,000 instead of 60,000 images, the network learns less. With one file loaded
    twice the test measures memory: it runs on images that the network has seen.

    **How to see it.** Compare the lengths, and look whether both begin with the same image:
    ```python
    print(len(train_X), len(test_X))  # 60000 10000
    print(torch.equal(train_X[0], test_X[0]))  # False
    ```

    **What to read.** scikit-learn, Common pitfalls, on keeping test data apart:
    <https://scikit-learn.org/stable/common_pitfalls.html#data-leakage>
    """

    id = "data.swapped-splits"
    question = "1"
    severity = "fault"
    hint = "Load train.npz for training and test.npz for testing, each once."
    rows = ("A2",)


class Truncated(FindingKind):
    """Only a part of the training set is used.

    **What it is.** The images that reached the training are the beginning or a slice of the set, as with
    `train_X[:1000]`. Such a line is useful while one tries things out, and easily stays behind.

    **Why it matters.** A network learns from variety. Ten passes over 1,000 digits show it the same 1,000 digits ten
    times; it fits these and does worse on new ones. The task asks for the whole training set in each epoch.

    **How to see it.** Count the images that one epoch of your loop goes through:
    ```python
    seen = 0
    for start in range(0, len(train_X), batch_size):
        seen += len(train_X[start : start + batch_size])
    print(seen)  # 60000 with all of MNIST
    ```

    **What to read.** torch.utils.data: <https://pytorch.org/docs/stable/data.html>
    """

    id = "data.truncated"
    question = "3.1"
    severity = "fault"
    hint = "Remove the slice that shortens the training set, so that each epoch reaches all of its images."
    rows = ("A8",)


class TestInTraining(FindingKind):
    """Test images were used for training.

    **What it is.** Images of the test set passed through a backward pass and an update. The sets were joined, the
    wrong name was used in the training loop, or the test loop updates the model too.

    **Why it matters.** The test set stands for images that the network has never seen. Once it has learnt from them,
    the test accuracy says nothing about new images: we measured 98.2% in place of 95.8%, and the network had become
    no better at reading new digits.

    **How to see it.** Look at the names in the training loop, and check that no test image is among the images that
    you train on:
    ```python
    known = {image.numpy().tobytes() for image in train_X}
    print(sum(image.numpy().tobytes() in known for image in test_X))  # 0
    ```

    **What to read.** scikit-learn, Common pitfalls, Data leakage:
    <https://scikit-learn.org/stable/common_pitfalls.html#data-leakage>
    """

    id = "data.test-in-training"
    question = "3.3"
    severity = "fault"
    hint = "Train on the training set alone and use the test set only for forward passes."
    rows = ("A9",)


class ShapesNotShown(FindingKind):
    """The four shapes of the data are not shown.

    **What it is.** Question 1 asks for the shapes of training images, training labels, test images and test labels.
    Not all four appeared in what your program showed, or the numbers were typed in and do not fit the data.

    **Why it matters.** Looking at shapes first is the cheapest test there is. A wrong file, labels where images
    should be or a missing axis show at once, long before an error message that is hard to read.

    **How to see it.** Any form will do, as long as the numbers come from the tensors:
    ```python
    print(train_X.shape, train_Y.shape)
    print(test_X.shape, test_Y.shape)
    ```

    **What to read.** torch.Tensor.size, whose result `shape` also gives:
    <https://pytorch.org/docs/stable/generated/torch.Tensor.size.html>
    """

    id = "data.shapes-not-shown"
    question = "1"
    severity = "fault"
    hint = "Print the shape of all four tensors, taken from the tensors themselves."
    rows = ("A4", "A5")


class Unnormalised(FindingKind):
    """The pixels that reach the network are not between 0 and 1.

    **What it is.** The first convolution saw values of another range: grey values of 0 to 255 that were never
    divided, or values that were divided twice.

    **Why it matters.** The gradient of the kernels is proportional to their input. With pixels up to 255 a learning
    rate that suits the range 0 to 1 throws the weights far off: we measured 10.3% at a rate of 0.05, which is
    guessing. Divided twice, the input is almost zero and learning hardly begins.

    **How to see it.** `read_npz` returns images in [0, 1] already. Print the range of what the model gets:
    ```python
    print(train_X.min().item(), train_X.max().item())  # 0.0 1.0
    ```

    **What to read.** Stanford CS231n, Data Preprocessing: <https://cs231n.github.io/neural-networks-2/#datapre>
    """

    id = "data.unnormalised"
    question = "1"
    severity = "warning"
    hint = "Give the network pixels between 0 and 1, as read_npz returns them."
    rows = ("A7",)
