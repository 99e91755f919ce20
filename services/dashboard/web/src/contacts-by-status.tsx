// The contacts of a campaign by status: numbers first, the bar beside them; each leads to those contacts.
import { Box, Table, Text, VisuallyHidden } from '@mantine/core'
import { Link } from '@tanstack/react-router'
import type { Figures } from './api'
import { CONTACT_STATUSES, count, percent, Status, type ContactStatus } from './words'

export function ContactsByStatus({ campaignId, contacts }: { campaignId: string; contacts: Figures['Contacts'] }) {
  return (
    <Box className="surface" style={{ overflow: 'hidden' }}>
      <Table className="table" aria-label="Contacts by status" verticalSpacing={6}>
        <Table.Thead>
          <Table.Tr>
            <Table.Th>Status</Table.Th>
            <Table.Th ta="right">Contacts</Table.Th>
            <Table.Th ta="right">Share</Table.Th>
            <Table.Th w="45%" visibleFrom="sm">
              <VisuallyHidden>As a bar</VisuallyHidden>
            </Table.Th>
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {Object.entries(CONTACT_STATUSES).map(([status, word]) => {
            const some = contacts[status as ContactStatus]
            const share = contacts.total ? some / contacts.total : null
            return (
              <Table.Tr key={status} className="leads">
                <Table.Td>
                  <Link
                    to="/campaigns/$campaignId/contacts"
                    params={{ campaignId }}
                    search={{ status }}
                    className="link stretched"
                    aria-label={`${word.word}: show these contacts`}
                  >
                    <Status of={word} />
                  </Link>
                </Table.Td>
                <Table.Td ta="right" className="number">
                  {count(some)}
                </Table.Td>
                <Table.Td ta="right" className="number">
                  {percent(share)}
                </Table.Td>
                <Table.Td visibleFrom="sm" style={{ verticalAlign: 'middle' }}>
                  <div className="bar" aria-hidden>
                    <span className="reached" style={{ width: `${(share ?? 0) * 100}%` }} />
                  </div>
                </Table.Td>
              </Table.Tr>
            )
          })}
          <Table.Tr>
            <Table.Td>
              <Text fw={600}>All</Text>
            </Table.Td>
            <Table.Td ta="right" className="number">
              <Text fw={600}>{count(contacts.total)}</Text>
            </Table.Td>
            <Table.Td />
            <Table.Td visibleFrom="sm" />
          </Table.Tr>
        </Table.Tbody>
      </Table>
    </Box>
  )
}
