"""The shared base of analyses that outline lesions: network, training, matching, figures, geometry, findings."""
