"""A mapping proposed from one sample payload: what a person would write who sees this sender for the first time.

Pure. It guesses by names and by the shapes of values, says why, and names what else it saw: the mapping is the
person's to correct, and `trackbridge test` shows at once what it makes of the sample.
"""
