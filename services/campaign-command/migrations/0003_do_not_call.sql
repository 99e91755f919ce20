-- Beginnings of numbers (+1900*), entries that only a keyed hash is left of, and uploaded lists with their entries.
ALTER TABLE suppressions
    ADD COLUMN prefix text,
    ADD COLUMN list_id uuid,
    -- Contacts may still wait with it: housekeeping goes on with them. Permits refuse them meanwhile.
    ADD COLUMN unswept boolean NOT NULL DEFAULT false,
    ADD COLUMN lifted_by text,
    ADD COLUMN lift_reason text;

-- What a person asked for and what a list says stand beside each other, so that undoing a list frees nobody who asked.
DROP INDEX suppressions_once;
CREATE UNIQUE INDEX suppressions_once ON suppressions
    (workspace, number, coalesce(scope, workspace), coalesce(list_id, workspace)) WHERE lifted_at IS NULL;
CREATE INDEX suppressions_by_prefix ON suppressions (workspace, prefix) WHERE lifted_at IS NULL AND prefix IS NOT NULL;
CREATE INDEX suppressions_by_hash ON suppressions (workspace, number_hash) WHERE lifted_at IS NULL AND number IS NULL;
CREATE INDEX suppressions_of_list ON suppressions (list_id, suppression_id) WHERE lifted_at IS NULL AND list_id IS NOT NULL;
CREATE INDEX suppressions_unswept ON suppressions (suppression_id) WHERE unswept AND lifted_at IS NULL;

-- This operator class finds numbers by their beginning as well.
DROP INDEX contacts_by_number;
CREATE INDEX contacts_by_number ON contacts (workspace, number text_pattern_ops);

-- An uploaded list: what it says of itself, and how far the work on its file, or on undoing it, has come.
CREATE TABLE suppression_lists (
    list_id uuid PRIMARY KEY,
    workspace uuid NOT NULL,
    name text NOT NULL,
    scope uuid,
    list_date date,
    max_age_days integer,
    expires_at timestamptz,
    state text NOT NULL CHECK (state IN ('running', 'completed', 'failed', 'undoing', 'undone')),
    default_country text,
    layout jsonb NOT NULL,
    line_done bigint NOT NULL DEFAULT 0,
    rows_done bigint NOT NULL DEFAULT 0,
    accepted bigint NOT NULL DEFAULT 0,
    duplicate bigint NOT NULL DEFAULT 0,
    rejected bigint NOT NULL DEFAULT 0,
    reasons jsonb NOT NULL DEFAULT '{}',
    first_rejected jsonb NOT NULL DEFAULT '[]',
    error_code text,
    claimed_by text,
    claimed_until timestamptz,
    uploaded_by text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    finished_at timestamptz,
    undone_by text,
    undo_reason text,
    undone_at timestamptz
);
CREATE INDEX suppression_lists_in_order ON suppression_lists (workspace, created_at, list_id);
CREATE INDEX suppression_lists_by_name ON suppression_lists (workspace, name) WHERE state = 'completed';
CREATE INDEX suppression_lists_in_work ON suppression_lists (created_at) WHERE state IN ('running', 'undoing');

-- Called contacts whose rows are gone: a late "do not call" about their call still finds the hash of the number.
CREATE TABLE gone_contacts (
    contact_id uuid PRIMARY KEY,
    workspace uuid NOT NULL,
    number_hash text NOT NULL,
    gone_at timestamptz NOT NULL
);
CREATE INDEX gone_contacts_by_age ON gone_contacts (gone_at);
