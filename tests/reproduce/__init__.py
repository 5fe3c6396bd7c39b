"""The published figures of a student's report on this practical, got again on full MNIST: `make reproduce`."""
