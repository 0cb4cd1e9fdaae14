"""The list of models, in each provider's shape."""

from collections.abc import Callable, Sequence

from portico.contract.conversation import Json

Listing = Callable[[Sequence[str]], dict[str, Json]]


def openai(names: Sequence[str]) -> dict[str, Json]:
    """With the members that the OpenAI and the Anthropic SDK read.

    https://platform.openai.com/docs/api-reference/models/list,
    https://docs.anthropic.com/en/api/models-list
    """
    data: list[Json] = [
        {
            "id": name,
            "object": "model",
            "created": 0,
            "owned_by": "portico",
            "type": "model",
            "display_name": _title(name),
            "created_at": "1970-01-01T00:00:00Z",
        }
        for name in names
    ]
    return {
        "object": "list",
        "data": data,
        "has_more": False,
        "first_id": names[0],
        "last_id": names[-1],
    }


def bedrock(names: Sequence[str]) -> dict[str, Json]:
    """https://docs.aws.amazon.com/bedrock/latest/APIReference/API_ListFoundationModels.html"""
    summaries: list[Json] = [
        {
            "modelArn": f"arn:aws:bedrock:us-east-1::foundation-model/{name}",
            "modelId": name,
            "modelName": _title(name),
            "providerName": "Portico",
            "inputModalities": ["TEXT"],
            "outputModalities": ["EMBEDDING" if name == "embed" else "TEXT"],
            "responseStreamingSupported": name != "embed",
            "inferenceTypesSupported": ["ON_DEMAND"],
            "modelLifecycle": {"status": "ACTIVE"},
        }
        for name in names
    ]
    return {"modelSummaries": summaries}


def gemini(names: Sequence[str]) -> dict[str, Json]:
    """https://ai.google.dev/api/models#method:-models.list"""
    models: list[Json] = [
        {
            "name": f"models/{name}",
            "displayName": _title(name),
            "supportedGenerationMethods": (
                ["embedContent", "batchEmbedContents"]
                if name == "embed"
                else ["generateContent", "streamGenerateContent", "countTokens"]
            ),
        }
        for name in names
    ]
    return {"models": models}


def _title(name: str) -> str:
    return f"Simulated: {name}"
