"""Finding related suggestions, beside peers: the parts issues, resubmissions, titles and stream."""
