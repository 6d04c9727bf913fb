"""Nodules of the lung on chest CT."""

from inference.plugins.ct_lung_nodule.plugin import CtLungNodule

plugin = CtLungNodule()
