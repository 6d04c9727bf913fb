"""Taking the patient out of what is stored, keeping the way back under the tenant's key, and pixels that may tell."""
