// Everything that happened to a campaign, in the order of the log: what an auditor reads.
import { Box, Button, Code, Collapse, Group, Stack, Text } from '@mantine/core'
import { useDisclosure } from '@mantine/hooks'
import { keepPreviousData } from '@tanstack/react-query'
import { Link, useParams, useSearch } from '@tanstack/react-router'
import { commandQuery, type Command } from './api'
import { useCampaign } from './campaign-page'
import { factWords } from './fact-words'
import { Paging } from './paging'
import { Answer } from './trouble'
import { plural, Time, VIEWER_ZONE } from './words'

const PAGE = 50

export function Log() {
  const { campaignId } = useParams({ from: '/campaigns/$campaignId/log' })
  const { after } = useSearch({ from: '/campaigns/$campaignId/log' })
  const campaign = useCampaign(campaignId).data
  const query = commandQuery.useQuery(
    'get',
    '/v1/campaigns/{campaign_id}/facts',
    { params: { path: { campaign_id: campaignId }, query: { after: after ? Number(after) : undefined, limit: PAGE } } },
    { placeholderData: keepPreviousData, refetchInterval: campaign?.status === 'running' ? 5_000 : false },
  )
  return (
    <Answer of={query} rows={8}>
      {(page) => (
        <Stack gap="sm" style={{ opacity: query.isPlaceholderData ? 0.6 : 1 }}>
          <Text size="sm" c="dimmed">
            What is stored of this campaign, the oldest first; nothing here is ever changed. Times in {VIEWER_ZONE}.
          </Text>
          {page.items.length === 0 ? (
            <Text className="surface" p="lg" c="dimmed" ta="center">
              Nothing has happened after this.
            </Text>
          ) : (
            <Box component="ol" className="surface" m={0} p={0} style={{ listStyle: 'none' }} aria-label="Log">
              {page.items.map((fact) => (
                <Entry key={fact.position} fact={fact} campaignId={campaignId} />
              ))}
            </Box>
          )}
          <Paging
            by="after"
            now={after}
            next={page.next_after === null ? null : String(page.next_after)}
            says={plural(page.items.length, 'entry', 'entries')}
          />
        </Stack>
      )}
    </Answer>
  )
}

function Entry({ fact, campaignId }: { fact: Command['FactAnswer']; campaignId: string }) {
  const [opened, { toggle }] = useDisclosure()
  const { contact_id: contact, call_id: call } = fact.data
  return (
    <Box component="li" px="md" py={8} style={{ borderBottom: '1px solid var(--line)' }}>
      <Group gap="md" wrap="nowrap" align="flex-start">
        <Box w={160} visibleFrom="sm" style={{ flexShrink: 0 }}>
          <Text size="sm" c="dimmed">
            <Time at={fact.at} quiet seconds />
          </Text>
        </Box>
        <Stack gap={2} miw={0} flex={1}>
          <Group justify="space-between" gap="sm" style={{ rowGap: 2 }}>
            <Text style={{ overflowWrap: 'anywhere' }}>{factWords(fact)}</Text>
            <Group gap="sm">
            <Text size="sm" c="dimmed" hiddenFrom="sm">
              <Time at={fact.at} quiet seconds />
            </Text>
            {typeof contact === 'string' ? (
              <Text size="sm">
                <Link to="/campaigns/$campaignId/contacts/$contactId" params={{ campaignId, contactId: contact }}>
                  The contact
                </Link>
              </Text>
            ) : null}
            {typeof call === 'string' ? (
              <Text size="sm">
                <Link to="/campaigns/$campaignId/calls" params={{ campaignId }} search={{ call }}>
                  The call
                </Link>
              </Text>
            ) : null}
            <Button variant="subtle" size="compact-xs" onClick={toggle} aria-expanded={opened}>
              As stored
            </Button>
            <Text size="sm" c="dimmed" className="number" miw={36} ta="right">
              #{fact.position}
            </Text>
            </Group>
          </Group>
          <Collapse expanded={opened}>
            {opened ? (
              <Code block tabIndex={0} style={{ maxHeight: 320, overflow: 'auto' }}>
                {JSON.stringify({ type: fact.type, ...fact.data }, null, 2)}
              </Code>
            ) : null}
          </Collapse>
        </Stack>
      </Group>
    </Box>
  )
}
