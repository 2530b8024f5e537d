"""``python -m schemas`` prints the JSON Schema of the contract."""

from __future__ import annotations

import json
import sys

from schemas import json_schema

json.dump(json_schema(), sys.stdout, indent=2)
sys.stdout.write("\n")
