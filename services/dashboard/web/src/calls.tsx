// The calls of a campaign, the newest first; what is live moves.
import { Chip, Group, Stack, Text } from '@mantine/core'
import { keepPreviousData } from '@tanstack/react-query'
import { useNavigate, useParams, useSearch } from '@tanstack/react-router'
import { dialerQuery } from './api'
import { CallDetails } from './call-details'
import { CallTable } from './call-table'
import { useCampaign } from './campaign-page'
import { Paging } from './paging'
import { CALL_STATES, type CallsSearch, type CallState } from './searches'
import { Answer } from './trouble'
import { count, VIEWER_ZONE } from './words'

const REREAD_MS = 3_000

export function Calls() {
  const { campaignId } = useParams({ from: '/campaigns/$campaignId/calls' })
  const search = useSearch({ from: '/campaigns/$campaignId/calls' })
  const navigate = useNavigate({ from: '/campaigns/$campaignId/calls' })
  const campaign = useCampaign(campaignId).data
  const ask = (changes: CallsSearch): void => void navigate({ search: (now) => ({ ...now, ...changes }) })
  const query = dialerQuery.useQuery(
    'get',
    '/v1/calls',
    { params: { query: { campaign_id: campaignId, status: search.status, cursor: search.cursor } } },
    {
      placeholderData: keepPreviousData,
      refetchInterval: campaign?.status === 'running' && !search.cursor ? REREAD_MS : 20_000,
    },
  )
  return (
    <Stack gap="md">
      <Chip.Group
        value={search.status ?? 'all'}
        onChange={(state) => ask({ status: state === 'all' ? undefined : (state as CallState), cursor: undefined })}
      >
        <Group gap={6} role="radiogroup" aria-label="State of the calls">
          <Chip value="all" size="xs" variant="light">
            All
          </Chip>
          {(['ringing', 'answered', 'ended', 'settled', 'unknown'] as const).map((state) => (
            <Chip key={state} value={state} size="xs" variant="light">
              {CALL_STATES[state]}
            </Chip>
          ))}
        </Group>
      </Chip.Group>
      <Answer of={query} rows={8}>
        {(page) => (
          <Stack gap="sm" style={{ opacity: query.isPlaceholderData ? 0.6 : 1 }}>
            {page.items.length === 0 ? (
              <Text className="surface" p="lg" c="dimmed" ta="center">
                {search.status || search.cursor ? 'No call is in this state now.' : 'No calls yet. They appear here as they happen.'}
              </Text>
            ) : (
              <CallTable calls={page.items} onOpen={(call) => ask({ call })} withContact />
            )}
            <Paging by="cursor" now={search.cursor} next={page.next_cursor} says={`${count(page.items.length)} of ${count(page.total)}`} />
          </Stack>
        )}
      </Answer>
      <CallDetails
        callId={search.call}
        zone={campaign?.settings.schedule.time_zone ?? VIEWER_ZONE}
        onClose={() => ask({ call: undefined })}
      />
    </Stack>
  )
}
