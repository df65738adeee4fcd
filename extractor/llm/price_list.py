"""The price list: what known models cost according to public tables. Data only; replace it as a whole.

US dollars per million tokens: input, output, input from the provider's cache. If a provider's price depends
on the time of day, the higher one is listed; if it depends on the prompt's length, the one for the shortest
prompts, since requests are a few thousand tokens long. Models that no public table lists, or that a table
marks as removed, are left out.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True, slots=True)
class Source:
    """Where prices were read, and the date of that source (if uncertain, the earliest possible date)."""

    name: str
    day: date
    note: str = ""


_YUAN = "billed in yuan, converted by the source"
# models.dev at 4a77c90 as packaged in model-prices 0.0.5.
_MODELS_DEV = Source("models.dev 4a77c90", date(2026, 10, 23))
_PEAK = Source(
    "genai-prices 0.2.3",
    date(2026, 11, 1),
    "the price on working days 01:00-04:00 and 06:00-10:00 UTC; half of it at other times",
)
_KIMI = Source("models.dev 4a77c90", date(2026, 10, 23), "of the international list; in China billed in yuan")
_DOUBAO = Source("models.dev 4a77c90", date(2026, 10, 23), _YUAN)
_GLM = Source("genai-prices 0.2.3", date(2026, 11, 1), f"{_YUAN} at 7.25")
# The Beijing region's list; its files are from other days.
_QWEN = Source("models.dev 735cde7, alibaba-cn", date(2026, 6, 3), f"{_YUAN}; without thinking")
_QWEN_3_7_FLASH = Source("models.dev 632fa6d, alibaba-cn", date(2026, 7, 27), _QWEN.note)
_QWEN_3_8_MAX = Source("models.dev 89e6191, alibaba-cn", date(2026, 8, 4), _QWEN.note)
_QWEN_3_8_FLASH = Source("models.dev aa75485, alibaba-cn", date(2026, 8, 28), _QWEN.note)

# By the name after `--model`, in lower case: input, output, cached input (None: same as input), source.
PRICES: dict[str, tuple[float, float, float | None, Source]] = {
    "openai/gpt-4o": (2.5, 10, 1.25, _MODELS_DEV),
    "openai/gpt-4o-mini": (0.15, 0.6, 0.075, _MODELS_DEV),
    "openai/gpt-4.1": (2, 8, 0.5, _MODELS_DEV),
    "openai/gpt-4.1-mini": (0.4, 1.6, 0.1, _MODELS_DEV),
    "openai/gpt-5": (1.25, 10, 0.125, _MODELS_DEV),
    "openai/gpt-5-mini": (0.25, 2, 0.025, _MODELS_DEV),
    "openai/gpt-5-nano": (0.05, 0.4, 0.005, _MODELS_DEV),
    "openai/gpt-5.1": (1.25, 10, 0.125, _MODELS_DEV),
    "openai/gpt-5.2": (1.75, 14, 0.175, _MODELS_DEV),
    "openai/gpt-5.4": (2.5, 15, 0.25, _MODELS_DEV),
    "openai/gpt-5.4-mini": (0.75, 4.5, 0.075, _MODELS_DEV),
    "openai/gpt-5.4-nano": (0.2, 1.25, 0.02, _MODELS_DEV),
    "openai/gpt-5.6-luna": (0.2, 1.2, 0.02, _MODELS_DEV),
    "openai/gpt-5.6-terra": (2, 12, 0.2, _MODELS_DEV),
    "openai/gpt-5.6-sol": (4, 20, 0.4, _MODELS_DEV),
    "openai/gpt-6-luna": (0.1, 0.5, 0.01, _MODELS_DEV),
    "openai/gpt-6-sol": (2, 10, 0.2, _MODELS_DEV),
    "openai/gpt-6.1-sol": (2, 10, 0.1, _MODELS_DEV),
    "deepseek/deepseek-flash": (0.3, 1.2, 0.006, _PEAK),
    "deepseek/deepseek-v4-flash": (0.3, 1.2, 0.006, _PEAK),
    "deepseek/deepseek-v4-pro": (1.32, 3.96, 0.044, _PEAK),
    "moonshot/kimi-k2.6": (0.95, 4, 0.16, _KIMI),
    "moonshot/kimi-k3": (3, 15, 0.3, _KIMI),
    "dashscope/qwen-plus": (0.115, 0.287, 0.023, _QWEN),
    "dashscope/qwen-max": (0.345, 1.377, 0.072, _QWEN),
    "dashscope/qwen-flash": (0.022, 0.216, 0.005, _QWEN),
    "dashscope/qwen3.7-plus": (0.276, 1.101, 0.056, _QWEN),
    "dashscope/qwen3.7-max": (1.65, 4.951, 0.33, _QWEN),
    "dashscope/qwen3.7-flash": (0.03125, 0.125, 0.003125, _QWEN_3_7_FLASH),
    "dashscope/qwen3.8-max": (1.65, 4.951, 0.206, _QWEN_3_8_MAX),
    "dashscope/qwen3.8-flash": (0.11905, 0.40179, 0.01488, _QWEN_3_8_FLASH),
    "volcengine/doubao-seed-2-0-mini-260428": (0.02969, 0.29687, 0.00594, _DOUBAO),
    "volcengine/doubao-seed-2-0-lite-260428": (0.08906, 0.53436, 0.01781, _DOUBAO),
    "volcengine/doubao-seed-2-1-turbo-260628": (0.4453, 2.22651, 0.08906, _DOUBAO),
    "volcengine/doubao-seed-2-1-pro-260628": (0.8906, 4.45301, 0.17812, _DOUBAO),
    "zhipu/glm-4.7": (0.276, 1.103, 0.055, _GLM),
    "zhipu/glm-5": (0.552, 2.483, 0.138, _GLM),
    "zhipu/glm-5.3": (1.103, 3.862, 0.276, _GLM),
    "zhipu/glm-5.3-flash": (0.11, 0.386, 0.032, _GLM),
}
