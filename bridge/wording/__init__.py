"""What the command line and the admin pages say in the same words: times, deliveries, stories, the tracker. Pure.

Texts come as they are, with what senders wrote in them: whoever shows them makes them harmless for where they go.
"""
