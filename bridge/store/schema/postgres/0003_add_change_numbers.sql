-- What happened to which delivery last, by a number that grows: whoever follows asks for what is above the last it saw.
-- NULL for one to which nothing has happened since it was recorded, so that recording pays nothing for it.

ALTER TABLE deliveries ADD COLUMN changed BIGINT;

CREATE INDEX deliveries_changed ON deliveries (changed) WHERE changed IS NOT NULL;

-- A try, an end, or the way back from one. Here and not in the verbs, so that none can forget it, and an older version
-- beside this one keeps it too. Whatever says one of these columns; to lease and to give back does not, and stays free.
CREATE FUNCTION deliveries_number_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    SELECT coalesce(max(changed), 0) + 1 INTO new.changed FROM deliveries WHERE changed IS NOT NULL;
    RETURN new;
END;
$$;

CREATE TRIGGER deliveries_number_change BEFORE UPDATE OF tries, reason, duplicate_of ON deliveries
FOR EACH ROW
WHEN (
    new.tries <> old.tries
    OR (
        new.state <> old.state
        AND (
            new.state IN ('delivered', 'dead', 'duplicate', 'dismissed')
            OR old.state IN ('dead', 'duplicate', 'dismissed', 'dry_run')
        )
    )
)
EXECUTE FUNCTION deliveries_number_change();
