// Calls as rows; each opens beside the page.
import { Box, Group, Stack, Table, Text, UnstyledButton } from '@mantine/core'
import { useMediaQuery } from '@mantine/hooks'
import { Link } from '@tanstack/react-router'
import type { Dialer } from './api'
import { CallState, KINDS } from './call-details'
import { CONVERSATIONS, plain } from './reasons'
import { duration, Time, VIEWER_ZONE } from './words'

type Props = { calls: Dialer['CallRecord'][]; onOpen: (callId: string) => void; withContact?: boolean }

export function CallTable({ calls, onOpen, withContact }: Props) {
  const small = useMediaQuery('(max-width: 48em)', undefined, { getInitialValueInEffect: false })
  if (small)
    return (
      <Stack gap="xs" component="ul" p={0} m={0} style={{ listStyle: 'none' }}>
        {calls.map((call) => (
          <Box component="li" key={call.id} className="surface" p="sm">
            <Stack gap={6}>
              <Group justify="space-between" wrap="nowrap">
                <Opens call={call} onOpen={onOpen} />
                <CallState call={call} />
              </Group>
              <Text size="sm" c="dimmed">
                {KINDS[call.kind]}
                {call.kind === 'campaign' ? `, attempt ${call.attempt}` : ''} · {duration(call.duration_seconds)}
                {call.conversation ? ` · ${CONVERSATIONS[call.conversation] ?? plain(call.conversation)}` : ''}
              </Text>
              <Text size="xs" c="dimmed">
                <Time at={call.started_at ?? call.created_at} seconds />
              </Text>
            </Stack>
          </Box>
        ))}
      </Stack>
    )
  return (
    <Box className="surface" style={{ overflow: 'hidden' }}>
      <Table className="table" layout="fixed" aria-label="Calls">
        <Table.Thead>
          <Table.Tr>
            <Table.Th w={190}>
              Started
              <Text size="xs" fw={400}>
                {VIEWER_ZONE}
              </Text>
            </Table.Th>
            <Table.Th w={170}>Number</Table.Th>
            {withContact ? <Table.Th w={110}>Contact</Table.Th> : null}
            <Table.Th>Kind</Table.Th>
            <Table.Th w={190}>Outcome</Table.Th>
            <Table.Th>Conversation</Table.Th>
            <Table.Th w={110}>Duration</Table.Th>
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {calls.map((call) => (
            <Table.Tr key={call.id}>
              <Table.Td>
                <Time at={call.started_at ?? call.created_at} quiet seconds />
              </Table.Td>
              <Table.Td>
                <Opens call={call} onOpen={onOpen} />
              </Table.Td>
              {withContact ? (
                <Table.Td>
                  {call.kind === 'campaign' ? (
                    <Link
                      to="/campaigns/$campaignId/contacts/$contactId"
                      params={{ campaignId: call.campaign_id, contactId: call.contact_id }}
                      aria-label={`Timeline of ${call.number ?? 'the contact'}`}
                    >
                      Timeline
                    </Link>
                  ) : (
                    '–'
                  )}
                </Table.Td>
              ) : null}
              <Table.Td>
                {KINDS[call.kind]}
                {call.kind === 'campaign' ? (
                  <Text span size="sm" c="dimmed">
                    {' '}
                    · attempt {call.attempt}
                  </Text>
                ) : null}
              </Table.Td>
              <Table.Td>
                <CallState call={call} />
              </Table.Td>
              <Table.Td>{call.conversation ? (CONVERSATIONS[call.conversation] ?? plain(call.conversation)) : '–'}</Table.Td>
              <Table.Td className="number">{duration(call.duration_seconds)}</Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
    </Box>
  )
}

function Opens({ call, onOpen }: { call: Dialer['CallRecord']; onOpen: (callId: string) => void }) {
  return (
    <UnstyledButton className="number" fw={550} td="underline" onClick={() => onOpen(call.id)} aria-haspopup="dialog">
      {call.number ?? 'No number'}
    </UnstyledButton>
  )
}
