-- The accepted rows of a chunk of an import, nearly all of a file, in one row: a row each cost as much as half a contact.
-- Those of a dry run, and of imports before this, stand in import_rows.
CREATE TABLE import_accepted (
    import_id uuid NOT NULL REFERENCES imports ON DELETE CASCADE,
    -- the highest of `lines`; chunks follow each other, so it also says where the next one begins
    last_line bigint NOT NULL,
    lines bigint[] NOT NULL,
    contact_ids uuid[] NOT NULL,
    -- null when no row has one
    notes text[],
    PRIMARY KEY (import_id, last_line)
);
-- Random bytes can't be packed: don't try.
ALTER TABLE import_accepted ALTER COLUMN contact_ids SET STORAGE EXTERNAL;
CREATE INDEX import_rows_accepted ON import_rows (import_id, line) WHERE result = 'accepted';
