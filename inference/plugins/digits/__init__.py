"""Handwritten digits: the smallest plugin that is complete; read it to learn how one is made."""

from inference.plugins.digits.plugin import Digits

plugin = Digits()
