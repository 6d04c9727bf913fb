"""Lesions of the brain on T1-weighted MR."""

from inference.plugins.mri_brain_lesion.plugin import MriBrainLesion

plugin = MriBrainLesion()
