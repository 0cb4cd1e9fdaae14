"""The journal: a preallocated local record that a killed process leaves complete."""
