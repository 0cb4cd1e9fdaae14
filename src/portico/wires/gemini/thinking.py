"""How much a model may think, in the words of its generation.

https://ai.google.dev/gemini-api/docs/thinking
"""

from portico.contract.conversation import ReasoningRequest
from portico.wires.gemini.part_reader import Block
from portico.wires.gemini.part_writer import refuse
from portico.wires.gemini.tables import (
    EFFORTS,
    LEVEL_ABOVE,
    LEVEL_BY_BUDGET,
    LEVELS,
    THINKERS,
    Thinker,
)
from portico.wires.losses import Losses


def bare_id(model_id: str) -> str:
    """A model's id without the collection that it stands in (`models/…`)."""
    return model_id.rpartition("/")[2]


def write_thinking(wanted: ReasoningRequest | None, model_id: str, losses: Losses) -> Block:
    """The member `thinkingConfig`; empty where there is nothing to say."""
    if wanted is None:
        return {}
    config = _own(wanted) if losses.own else _translated(wanted, model_id, losses)
    return {"thinkingConfig": config} if config else {}


def _own(wanted: ReasoningRequest) -> Block:
    config: Block = {}
    if wanted.effort is not None:
        config["thinkingLevel"] = wanted.effort.upper()
    if not wanted.enabled:
        config["thinkingBudget"] = 0
    elif wanted.budget is not None:
        config["thinkingBudget"] = wanted.budget
    return {**config, **wanted.extra}


def _translated(wanted: ReasoningRequest, model_id: str, losses: Losses) -> Block:
    thinker = next(row for row in THINKERS if bare_id(model_id).startswith(row.prefix))
    if any(name != "type" for name in wanted.extra):
        losses.drop("reasoning.display")
    if wanted.enabled and wanted.effort is not None and wanted.effort not in EFFORTS:
        raise refuse("reasoning.word", "reasoning_effort")
    if not thinker.levels and thinker.budget is None:
        if wanted.enabled:
            losses.drop("reasoning.unsupported")
        return {}
    if not wanted.enabled:
        return _least(thinker, losses)
    amount = _budget(thinker, wanted) if thinker.budget else _level(thinker, wanted)
    return {"includeThoughts": True, **amount}


def _least(thinker: Thinker, losses: Losses) -> Block:
    if thinker.can_stop:
        return {"thinkingBudget": 0}
    losses.drop("reasoning.disabled")
    if thinker.budget is not None:
        return {"thinkingBudget": thinker.budget[0]}
    return {"thinkingLevel": thinker.levels[0]}


def _budget(thinker: Thinker, wanted: ReasoningRequest) -> Block:
    assert thinker.budget is not None  # the caller has looked
    least, most = thinker.budget
    tokens = wanted.budget
    if tokens is None and wanted.effort is not None:
        tokens = EFFORTS[wanted.effort][1]
    return {} if tokens is None else {"thinkingBudget": max(least, min(tokens, most))}


def _level(thinker: Thinker, wanted: ReasoningRequest) -> Block:
    """The level asked for, or the next above it that the model has, or its highest."""
    if wanted.effort is not None:
        level = EFFORTS[wanted.effort][0]
    elif (tokens := wanted.budget) is not None:
        fitting = (name for most, name in LEVEL_BY_BUDGET if tokens <= most)
        level = next(fitting, LEVEL_ABOVE)
    else:
        return {}
    above = (name for name in thinker.levels if LEVELS.index(name) >= LEVELS.index(level))
    return {"thinkingLevel": next(above, thinker.levels[-1])}
