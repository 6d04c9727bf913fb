"""The medical report: one document, told as a page and as a PDF, with the key images that exports share."""
