-- A workspace's trunks stand in its row; its phone numbers here, since a number belongs to one workspace at most.
ALTER TABLE workspaces ADD COLUMN trunks jsonb NOT NULL DEFAULT '[]';
CREATE TABLE phone_numbers (
    number text PRIMARY KEY,
    workspace uuid NOT NULL,
    -- their order in the settings
    place integer NOT NULL,
    trunk text NOT NULL,
    label text
);
CREATE INDEX phone_numbers_of_workspace ON phone_numbers (workspace, place);
