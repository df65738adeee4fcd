"""Which characters are Han, for patterns."""

from __future__ import annotations

import re

# All Han characters and 〇, for the brackets of a pattern.
HAN = "\u3007\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U000323af"
HAN_CHARACTER = re.compile(f"[{HAN}]")
