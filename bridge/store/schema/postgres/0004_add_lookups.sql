-- When a look-up at the sender's API began for this delivery, and when it was over, whatever it came to. Once is enough.
-- NULL for one about which nobody was asked, so that recording and claiming pay nothing.

ALTER TABLE deliveries ADD COLUMN asked_at BIGINT;

ALTER TABLE deliveries ADD COLUMN looked_at BIGINT;
