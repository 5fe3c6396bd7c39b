"""What the trusted side found out: everything that the checks decide by, as plain values. No torch here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from grader.evidence.values import Place
from grader.verify.agreement import Consistency

# The name of the loss of scores (N, 10) and targets (N, 1, 10), which broadcast to (N, N, 10).
BROADCAST = "mean squared error of every target with every image"
# The order of flattening when values of one image stand in the row of another.
MIXED = "images mixed"

# Layouts in which pixels stand in another order than any turning or mirroring gives: within each image, or across them.
SCRAMBLED, BATCH_SCRAMBLED = "scrambled", "scrambled across the batch"


@dataclass(frozen=True)
class Convolution:
    """A convolution as called: sizes as (height, width)."""

    in_channels: int
    out_channels: int
    kernel: tuple[int, int]
    stride: tuple[int, int]
    padding: tuple[int, int]
    dilation: tuple[int, int]
    place: Place | None


@dataclass(frozen=True)
class Architecture:
    """Stages of one forward pass; shapes are without the batch, as torch orders them: (channels, height, width).

    `flattened_in_order` is None where the values could not be compared.
    """

    rows: int
    convolution: Convolution | None
    convolution_shape: tuple[int, ...] | None
    activation: str | None
    activation_place: Place | None
    activation_discarded: bool
    activation_shape: tuple[int, ...] | None
    dense_rows: int | None
    dense_in: int | None
    dense_out: int | None
    dense_place: Place | None
    flatten_order: str | None
    after: tuple[tuple[str, Place | None], ...]
    extra: tuple[tuple[str, Place | None], ...]
    detached: Place | None
    parameters: tuple[int, ...]
    weight: int | None
    error: str | None = None
    error_place: Place | None = None


@dataclass(frozen=True)
class Target:
    """What the loss was given beside the scores: `kind` is one_hot, index, or other; `wrong` counts samples whose class
    differs from the label of the image that they were paired with."""

    kind: str
    shape: tuple[int, ...]
    dtype: str
    wrong: int
    judged: int
    permuted: bool
    place: Place | None


@dataclass(frozen=True)
class StepProof:
    """What one traced update shows. None where it could not be recomputed; `reason` then says why.

    `cosine` compares what the backward passes added with the gradient of the same loss over all images since
    the last update: direction, and length relative to the mean. `unlinked` counts forward passes over other training
    images that no loss took in; `cut` says that no gradient comes back to the first layer, `vanishes` that the loss
    has no slope at the scores, `apart` that the backward pass began at a value that is not computed from the model,
    `refuted` that the recorded operations do not give what was recorded of them.
    """

    trace: int
    loss: str | None = None
    negated: bool = False
    loss_place: Place | None = None
    target: Target | None = None
    equivalent: bool | None = None
    gradient_matches: bool | None = None
    cosine: float | None = None
    linked: tuple[int, ...] = ()
    unlinked: int = 0
    backward_place: Place | None = None
    cut: bool | None = None
    rows_without_loss: int = 0
    vanishes: bool = False
    apart: bool = False
    refuted: bool = False
    reason: str | None = None


@dataclass(frozen=True)
class UpdateProof:
    """One traced update. `follows`: the weights moved as the claimed optimizer moves them; None if unknown.

    `kind` is the class of torch's that was done again. `moved`: any weight changed; `as_sgd` is the learning rate with
    which plain gradient descent explains the change, `momentum` the share of the update before with which descent
    with momentum or weight decay does. `alone`: the update before was not recorded.
    """

    trace: int
    follows: bool | None
    moved: bool
    had_gradient: bool
    as_sgd: float | None
    place: Place | None
    momentum: float | None = None
    alone: bool = False
    kind: str = ""


@dataclass(frozen=True)
class Shown:
    """Which kernels (by index) were shown as they were at the end, at the beginning, or at a test pass.

    `others` counts the pictures of a kernel's size that are no kernel; `place` is the last picture's.
    """

    pictures: int
    final: frozenset[int]
    initial: frozenset[int]
    intermediate: frozenset[int]
    others: int
    place: Place | None


@dataclass(frozen=True)
class TestPass:
    """One look at the test set: `examples` forward passes of images, `distinct` different test images.

    `accuracy` and `loss` (mean cross entropy) are the trusted side's, over those images with those weights;
    `right` counts hits over all examples, repeats included; `unknown` the images that are none of the data set's.
    `last` is (images, hits) of the last batch and `batch_mean` the mean of the batches' accuracies, None where other
    images were among them; `label_losses` says that the losses, one an image, differ by the images' classes alone.
    """

    event: int
    updates_before: int
    examples: int
    distinct: int
    from_training: int
    accuracy: float | None
    loss: float | None
    right: int | None
    losses: tuple[float, ...]
    loss_sizes: tuple[int, ...]
    forwards: int = 0
    unknown: int = 0
    last: tuple[int, int] | None = None
    batch_mean: float | None = None
    trained_loss: float | None = None
    label_losses: bool = False


@dataclass(frozen=True)
class TrainingFacts:
    """How the training went, in numbers of images, batches and updates.

    `overlap` is the median share of a batch that the next batch repeats; `batch_rows` and `window_rows` are the
    commonest numbers of images a backward pass and an update; `epoch_*` follow the passes through the data.
    """

    batches: int = 0
    updates: int = 0
    idle_updates: int = 0
    examples: int = 0
    known: int = 0
    distinct: int = 0
    total: int = 0
    overlap: float = 0.0
    same_batch: bool = False
    prefix: bool = False
    batch_rows: int = 0
    batch_share: float = 0.0
    window_rows: int = 0
    window_batches: float = 0.0
    epochs: float = 0.0
    test_rows: int = 0
    test_distinct: int = 0
    test_only_batches: int = 0
    stale_first: float = 0.0
    stale_inner: float | None = None
    stale_unupdated: float | None = None
    without_gradient: float = 0.0
    untouched: float = 0.0
    manual: int = 0
    losses: tuple[float, ...] = ()
    accuracies: tuple[float | None, ...] = ()


@dataclass(frozen=True)
class AccuracyFacts:
    """The final model on the whole test set; None where it could not be computed, with the reason."""

    measured: float | None = None
    interval: tuple[float, float] | None = None
    confusion: tuple[tuple[int, ...], ...] | None = None
    non_finite: bool = False
    reason: str = ""


@dataclass(frozen=True)
class ProbeFacts:
    """Whether the student's own model gives the scores that its recorded operations and weights give.

    `ignores_input`: it gives the same scores for whatever images, where its weights give others.
    """

    agrees: bool | None = None
    largest_difference: float | None = None
    sizes_failed: Mapping[int, str] = field(default_factory=dict)
    ignores_input: bool = False


@dataclass(frozen=True)
class WrongFigure:
    """A figure that the program prints in every epoch and that is not what it says: the finding, and why in words."""

    finding: str
    text: str


@dataclass(frozen=True)
class ReportedFacts:
    """What the program printed about the test phase; accuracies are fractions of 1.

    `accuracy` is the last printed test accuracy, `recognised` counts test passes whose accuracy or loss was printed.
    """

    accuracy: float | None = None
    recognised: int = 0
    mentions: bool = False
    shapes: int = 0
    wrong: WrongFigure | None = None


@dataclass(frozen=True)
class DataFacts:
    """Which staged splits the program had: `loaded` are the file names opened, in order; shares are of matched rows.

    `reached`: the model learnt from training images and looked at test images.
    """

    loaded: tuple[str, ...] = ()
    train_variable: bool = False
    test_variable: bool = False
    redirected: bool = False
    swapped: bool = False
    scale: float | None = None
    shift: float | None = None
    reached: bool = False

    @property
    def twice(self) -> str | None:
        """The one file of the data set that was opened, where it was opened again in the other one's place."""
        sets = [name for name in self.loaded if name in ("train.npz", "test.npz")]
        return sets[0] if len(sets) > 1 and len(set(sets)) == 1 else None

    @property
    def mistaken(self) -> bool:
        """Whether a phase gets the other's set because of how the sets were loaded."""
        return self.swapped or self.twice is not None


@dataclass(frozen=True)
class Verification:
    """All facts about one model of one run.

    `uniform`: the weights of each layer began with one value, so that all kernels stay alike.
    """

    model: int | None
    layout: str
    architecture: Architecture | None
    steps: tuple[StepProof, ...]
    updates: tuple[UpdateProof, ...]
    training: TrainingFacts
    passes: tuple[TestPass, ...]
    other_passes: int
    accuracy: AccuracyFacts
    probe: ProbeFacts
    shown: Shown | None
    reported: ReportedFacts
    data: DataFacts
    kernels: tuple[tuple[tuple[float, ...], ...], ...] = ()
    optimizer_parameters: str = "unknown"
    optimizers_stepping: int = 0
    train_place: Place | None = None
    test_place: Place | None = None
    step_place: Place | None = None
    recreated: bool = False
    uniform: bool = False
    rebuilt: bool = False
    training_passes: int = 0
    consistency: Consistency = field(default_factory=Consistency)
