"""Question 2.3: cross entropy, SGD, over this model's parameters."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

from grader.assignment import CheckSpec
from grader.checks.case import Answer, Case, Verdict
from grader.checks.forward import ON_LOGITS, SOFTMAX_TWICE
from grader.checks.layers import unregistered
from grader.evidence.values import Place

# Learning rates outside this range hardly learn, or diverge (measured: 1e-5 stays at chance, 1 reaches 35%).
SENSIBLE_RATES = (3e-5, 0.5)


def loss(case: Case, spec: CheckSpec) -> Verdict:
    """The gradient that reached the scores is that of the cross entropy."""
    answer = Answer(case, spec, "cross entropy")
    named = [s for s in case.steps if s.loss]
    if not case.own_loop or not named:
        if case.own_loop and case.steps:
            return answer.not_assessed(f"the loss could not be recomputed: {case.steps[0].reason}")
        if case.trained or case.only_looked:
            return answer.not_assessed("no gradient of a loss reaches the model")
        return (
            answer.unmet("the module only defines a model") if case.evidence.reference_loop else answer.absent("loss")
        )
    name, _ = Counter(s.loss for s in named).most_common(1)[0]
    place = next(s.loss_place for s in named if s.loss == name)
    if name == "cross entropy":
        return answer.met("cross entropy", confidence="proved")
    if name in SOFTMAX_TWICE or name in ON_LOGITS:
        return answer.met("cross entropy (what is applied before it belongs to question 2.2)", confidence="proved")
    if name and "swapped" in name:
        return answer.lost(
            "cross entropy with target and scores in each other's place",
            "loss.swapped-arguments",
            place=place,
            confidence="proved",
        )
    if name == "another loss":
        return answer.lost("a loss that is not the cross entropy", "loss.not-cross-entropy", place=place)
    return answer.lost(f"{name}", "loss.not-cross-entropy", place=place, confidence="proved")


def optimizer(case: Case, spec: CheckSpec) -> Verdict:
    """Stochastic gradient descent, through torch's class or by hand."""
    names = spec.parameters["optimizers"]
    answer = Answer(case, spec, " or ".join(names))
    described = _optimizers(case)
    if case.evidence.reference_loop:
        return answer.unmet("the module only defines a model")
    if not described:
        return _by_hand(answer, case)
    kinds = Counter(str(d.get("class")) for d in described)
    if not any(str(d.get("module", "")).startswith("torch.") for d in described):
        return _own_class(answer, case, kinds)
    last = described[-1]
    place = _place(last) or case.verification.step_place
    wrong = [k for k in kinds if k not in names and not set(names) & set(last.get("bases", []))]
    if wrong:
        return answer.lost(
            f"{wrong[0]}", "optimizer.not-sgd", place=place, confidence="proved" if _follows(case) else "observed"
        )
    if _follows(case) is False:
        return answer.lost(
            f"{kinds.most_common(1)[0][0]} by name, but the weights do not move as it moves them",
            "optimizer.not-sgd",
            place=place,
        )
    rate = _rate(last)
    if rate is not None and not SENSIBLE_RATES[0] <= rate <= SENSIBLE_RATES[1]:
        text = f"the learning rate is {rate:g}, with which the model cannot learn"
        return answer.lost(text, "optimizer.learning-rate", share=0.5, place=place, confidence="proved")
    if case.verification.rebuilt or (len(described) > 2 and case.verification.optimizers_stepping > 2):
        text = "the model and its optimizer are" if case.verification.rebuilt else "the optimizer is"
        return answer.lost(
            f"{text} made again during the training", "optimizer.rebuilt", share=0.5, place=place, confidence="proved"
        )
    settings = f", learning rate {rate:g}" if rate is not None else ""
    return answer.met(
        f"{kinds.most_common(1)[0][0]}{settings}",
        confidence="proved" if _follows(case) else "observed",
    )


def _optimizers(case: Case) -> list[Mapping[str, Any]]:
    """Those that hold weights of the model that is judged; all where none does. Others served an experiment."""
    state = case.evidence.state
    stepping = (
        state.optimizers
        if state
        else tuple(t.optimizer_description for t in case.evidence.traces if t.optimizer_description)
    )
    described = [d for d in (stepping or (state.alive_optimizers if state else ())) if d]
    architecture = case.verification.architecture
    ours = set(architecture.parameters if architecture else ())
    return [d for d in described if ours & _held(d)] or described


def _held(description: Mapping[str, Any]) -> set[int]:
    groups = description.get("groups")
    parts = [g for g in groups if isinstance(g, Mapping)] if isinstance(groups, list) else []
    lists = [numbers for part in parts if isinstance(numbers := part.get("parameters"), list)]
    return {number for numbers in lists for number in numbers if isinstance(number, int)}


def _own_class(answer: Answer, case: Case, kinds: Counter[str]) -> Verdict:
    """An optimizer that the student wrote is what it does, whatever its name and base."""
    name = kinds.most_common(1)[0][0]
    descent = _descent(case)
    if descent is not None:
        return answer.met(f"gradient descent by a class of their own, {name}, {descent}", confidence="proved")
    extended = {u.kind for u in case.verification.updates if u.follows}
    if _follows(case) and len(extended) == 1:
        (base,) = extended
        if base in answer.parameter("optimizers"):
            return answer.met(f"{name}, which moves the weights as {base} does", confidence="proved")
        text = f"{name}, which moves the weights as {base} does"
        return answer.lost(text, "optimizer.not-sgd", place=case.verification.step_place, confidence="proved")
    return answer.not_assessed(f"what the student's own optimizer {name} does is not gradient descent")


# Less than this share of the update before is no momentum.
SOME_MOMENTUM = 0.01


def _descent(case: Case) -> str | None:
    """The learning rate or momentum, where gradient descent explains every examined move of the weights.

    What momentum adds can only be told beside the update before; so of moves that it explains two or more are wanted,
    and those that were recorded alone are left out.
    """
    moved = [u for u in case.verification.updates if u.moved]
    rates = [u.as_sgd for u in moved]
    if rates and None not in rates:
        return f"learning rate {rates[0]:g}"
    known = [u.momentum for u in moved if not u.alone]
    shares = [share for share in known if share is not None]
    largest = max(shares, default=0.0)
    alone = [u.momentum for u in moved if u.alone]
    if len(shares) < max(2, len(known)) or (largest < SOME_MOMENTUM and None in alone):
        return None
    return f"momentum {largest:.2g}" if largest >= SOME_MOMENTUM else "with weight decay"


def _by_hand(answer: Answer, case: Case) -> Verdict:
    if not any(u.moved for u in case.verification.updates):
        return answer.absent("optimizer")
    descent = _descent(case)
    if descent is not None:
        return answer.met(f"gradient descent by hand, {descent}", confidence="proved")
    return answer.not_assessed("the weights are updated by hand, and not by gradient descent")


def _follows(case: Case) -> bool | None:
    known = [u.follows for u in case.verification.updates if u.follows is not None and u.had_gradient]
    return all(known) if known else None


def _place(description: object) -> Place | None:
    at = description.get("at") if isinstance(description, dict) else None
    if not isinstance(at, dict) or not isinstance(at.get("line"), int) or not isinstance(at.get("file"), str):
        return None
    cell = at.get("cell")
    return Place(at["file"], cell if isinstance(cell, int) else None, at["line"])


def _rate(description: object) -> float | None:
    groups = description.get("groups") if isinstance(description, dict) else None
    if not isinstance(groups, list) or not groups or not isinstance(groups[0], dict):
        return None
    rate = groups[0].get("settings", {}).get("lr")
    return float(rate) if isinstance(rate, (int, float)) and not isinstance(rate, bool) else None


def parameters(case: Case, spec: CheckSpec) -> Verdict:
    """The optimizer holds all parameters of the model that is trained."""
    answer = Answer(case, spec, "the optimizer holds the parameters of the model that is trained")
    held = case.verification.optimizer_parameters
    if case.evidence.reference_loop:
        return answer.unmet("the module only defines a model")
    if not (case.trained or case.only_looked):
        return answer.absent("training with an optimizer")
    if case.verification.recreated or unregistered(case):
        return answer.met("what is registered is held (what is not is charged in question 2.1)")
    if held in ("all", "manual"):
        return answer.met(
            "all parameters of the model" if held == "all" else "the model's parameters, updated by hand",
            confidence="proved",
        )
    if held == "none":
        return answer.lost(
            "the optimizer holds none of the parameters of the model that is trained",
            "optimizer.wrong-parameters",
            place=case.verification.step_place,
            confidence="proved",
        )
    if held == "some":
        return answer.lost(
            "the optimizer holds only some of the model's parameters",
            "optimizer.wrong-parameters",
            place=case.verification.step_place,
            confidence="proved",
        )
    return answer.absent("optimizer")
