-- Which running inbound campaign answers a number: one at most, whatever its workspace. Written with the campaign's row.
CREATE TABLE answered_numbers (
    number text PRIMARY KEY,
    workspace uuid NOT NULL,
    campaign_id uuid NOT NULL
);
CREATE INDEX answered_numbers_of_campaign ON answered_numbers (campaign_id);

-- Those that run already, by their newest settings; where two share a number, the older one has it.
INSERT INTO answered_numbers (number, workspace, campaign_id)
SELECT own.number, c.workspace, c.campaign_id
FROM campaigns c
CROSS JOIN LATERAL (
    SELECT convert_from(state, 'UTF8')::jsonb -> 'data' -> 'settings' -> 'caller_numbers' AS numbers
    FROM campaign_command_events
    WHERE originator_id = c.campaign_id AND topic IN ('CampaignCreated', 'CampaignEdited')
    ORDER BY originator_version DESC LIMIT 1
) AS newest
CROSS JOIN LATERAL jsonb_array_elements_text(newest.numbers) AS own (number)
WHERE c.type = 'inbound' AND c.status = 'running' AND NOT c.deleted
ORDER BY c.position
ON CONFLICT DO NOTHING;
