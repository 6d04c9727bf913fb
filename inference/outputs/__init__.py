"""Results as objects that hospitals' systems take: DICOM structured report, segmentation and pictures, and FHIR."""
