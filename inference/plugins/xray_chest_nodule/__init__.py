"""Nodules and masses on frontal chest radiographs."""

from inference.plugins.xray_chest_nodule.plugin import ChestNodule

plugin = ChestNodule()
