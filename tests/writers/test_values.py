"""The three exports mean the same: with one set of weights and one input they give the same values in every layer."""

from typing import Any

import pytest
from reference import CONFORMANCE, options
from writers_values import FRAMEWORKS, differences, draw

