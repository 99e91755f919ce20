-- A file of contacts on its way into a campaign. What a chunk did and how far it came are written in one transaction.
CREATE TABLE imports (
    id uuid PRIMARY KEY,
    workspace uuid NOT NULL,
    campaign_id uuid NOT NULL,
    state text NOT NULL CHECK (state IN ('uploading', 'queued', 'running', 'completed', 'failed', 'interrupted', 'cancelled')),
    options jsonb NOT NULL,
    layout jsonb,
    bytes_total bigint NOT NULL DEFAULT 0,
    bytes_done bigint NOT NULL DEFAULT 0,
    -- The physical line where the last row that is done starts; a restart goes on behind it.
    line_done bigint NOT NULL DEFAULT 0,
    rows_done bigint NOT NULL DEFAULT 0,
    accepted bigint NOT NULL DEFAULT 0,
    duplicate bigint NOT NULL DEFAULT 0,
    rejected bigint NOT NULL DEFAULT 0,
    -- of the accepted ones, those that start as do_not_call
    do_not_call bigint NOT NULL DEFAULT 0,
    reasons jsonb NOT NULL DEFAULT '{}',
    notes jsonb NOT NULL DEFAULT '{}',
    error_code text,
    error_detail text,
    claimed_by text,
    claimed_until timestamptz,
    created_at timestamptz NOT NULL DEFAULT now(),
    started_at timestamptz,
    -- time spent on rows, without the time between a crash and the restart
    worked_seconds double precision NOT NULL DEFAULT 0,
    updated_at timestamptz NOT NULL DEFAULT now(),
    finished_at timestamptz
);
CREATE INDEX imports_active ON imports (campaign_id, created_at) WHERE state IN ('uploading', 'queued', 'running');
CREATE INDEX imports_by_campaign ON imports (campaign_id, created_at);

-- What became of each row. A rejected one keeps its text, so that it can be fixed and imported again.
CREATE TABLE import_rows (
    import_id uuid NOT NULL REFERENCES imports ON DELETE CASCADE,
    line bigint NOT NULL,
    result text NOT NULL,
    reason text,
    note text,
    -- the fields that an update changes, by name
    changes text[],
    -- stands for the number in a dry run, which adds no contact that could be found again
    number_key uuid,
    contact_id uuid,
    of_line bigint,
    of_contact uuid,
    row_values text[],
    PRIMARY KEY (import_id, line)
);
-- Nearly all rows are accepted: those are found in the order of the file.
CREATE INDEX import_rows_by_result ON import_rows (import_id, result, line) WHERE result <> 'accepted';
-- How a later row finds the first line of its number, in memory that does not grow with the file: a number that this
-- import added is found in contacts, one that was there before by its contact, one of a dry run by its key.
CREATE INDEX import_rows_by_contact ON import_rows (import_id, of_contact) WHERE of_contact IS NOT NULL;
CREATE INDEX import_rows_by_number ON import_rows (import_id, number_key) WHERE number_key IS NOT NULL;

-- Reads of a campaign's contacts by name, whatever its case, in the order of the names.
CREATE INDEX contacts_by_name ON contacts (campaign_id, lower(name) text_pattern_ops, seq) WHERE name IS NOT NULL;
CREATE INDEX contacts_by_full_name ON contacts
    (campaign_id, lower(first_name || ' ' || coalesce(last_name, '')) text_pattern_ops, seq)
    WHERE first_name IS NOT NULL;
CREATE INDEX contacts_by_last_name ON contacts (campaign_id, lower(last_name) text_pattern_ops, seq)
    WHERE last_name IS NOT NULL;
