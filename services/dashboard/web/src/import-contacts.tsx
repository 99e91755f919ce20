// Contacts from a file: choose it, see how it would be read, send it, watch it; and the imports of before.
import { Box, Button, FileInput, Group, Stack, Table, Text, Title, VisuallyHidden } from '@mantine/core'
import { useNavigate, useParams, useSearch } from '@tanstack/react-router'
import { useState, type DragEvent } from 'react'
import { commandQuery, type Figures } from './api'
import { isEditable, useCampaign } from './campaign-page'
import { ImportProgress, ImportStateBadge } from './import-progress'
import { ReadyFile } from './import-preview'
import { Note } from './note'
import { useMay } from './session'
import { Answer } from './trouble'
import { CAMPAIGN_STATUSES, count, Time } from './words'

export function ImportContacts() {
  const { campaignId } = useParams({ from: '/campaigns/$campaignId/import' })
  const { import: importId } = useSearch({ from: '/campaigns/$campaignId/import' })
  const navigate = useNavigate({ from: '/campaigns/$campaignId/import' })
  const [file, setFile] = useState<File | null>(null)
  const mayAct = useMay('operator')
  const show = (id: string | undefined): void => void navigate({ search: { import: id } })
  return (
    <Answer of={useCampaign(campaignId)}>
      {(campaign) => (
        <Stack gap="lg">
          {importId ? (
            <ImportProgress
              importId={importId}
              campaign={campaign}
              onAnother={() => {
                setFile(null)
                show(undefined)
              }}
              onForReal={file ? () => show(undefined) : undefined}
            />
          ) : !mayAct ? null : isEditable(campaign) ? (
            <Choose
              campaign={campaign}
              country={campaign.settings.default_country ?? null}
              file={file}
              onChoose={setFile}
              onSent={show}
            />
          ) : (
            <Note tone="stopped" title={`The campaign is ${CAMPAIGN_STATUSES[campaign.status].word}`}>
              {campaign.status === 'running'
                ? 'Pause it to import contacts; then resume.'
                : 'It is finished: duplicate it, and import into the duplicate.'}
            </Note>
          )}
          {importId ? null : <Before campaignId={campaignId} onShow={show} />}
        </Stack>
      )}
    </Answer>
  )
}

type ChooseProps = {
  campaign: Figures['Campaign']
  country: string | null
  file: File | null
  onChoose: (file: File | null) => void
  onSent: (importId: string) => void
}

function Choose({ campaign, country, file, onChoose, onSent }: ChooseProps) {
  const [over, setOver] = useState(false)
  const drop = {
    onDragOver: (event: DragEvent) => {
      event.preventDefault()
      setOver(true)
    },
    onDragLeave: () => setOver(false),
    onDrop: (event: DragEvent) => {
      event.preventDefault()
      setOver(false)
      const [dropped] = event.dataTransfer.files
      if (dropped) onChoose(dropped)
    },
  }
  return (
    <Stack gap="md">
      <Box className="surface" p="md" {...drop} style={over ? { outline: '2px dashed var(--mantine-primary-color-filled)' } : undefined}>
        <FileInput
          label="File of contacts"
          description="CSV or text with a heading line, also packed (.gz); comma, semicolon, tab or bar. Or drop it here."
          placeholder="Choose a file"
          accept=".csv,.txt,.tsv,.gz,text/csv,text/plain,application/gzip"
          clearable
          clearButtonProps={{ 'aria-label': 'Choose no file' }}
          value={file}
          onChange={onChoose}
          maw={520}
        />
      </Box>
      {file ? (
        <ReadyFile
          key={`${file.name} ${file.size} ${file.lastModified}`}
          campaign={campaign}
          country={country}
          file={file}
          onSent={onSent}
        />
      ) : null}
    </Stack>
  )
}

function Before({ campaignId, onShow }: { campaignId: string; onShow: (id: string) => void }) {
  const mayAct = useMay('operator')
  const query = commandQuery.useQuery(
    'get',
    '/v1/campaigns/{campaign_id}/imports',
    { params: { path: { campaign_id: campaignId } } },
    { enabled: mayAct },
  )
  if (!mayAct) return <Text c="dimmed">Somebody with the role operator or admin can import contacts.</Text>
  return (
    <Answer of={query} rows={2}>
      {(page) =>
        page.items.length === 0 ? null : (
          <section aria-label="Imports of before">
            <Title order={2} mb="sm">
              Imports so far
            </Title>
            <Table.ScrollContainer
              minWidth={740}
              className="surface"
              scrollAreaProps={{ viewportProps: { tabIndex: 0, role: 'region', 'aria-label': 'Imports of before' } }}
            >
              <Table className="table" aria-label="Imports">
                <Table.Thead>
                  <Table.Tr>
                    <Table.Th>Begun</Table.Th>
                    <Table.Th>State</Table.Th>
                    <Table.Th ta="right">Accepted</Table.Th>
                    <Table.Th ta="right">Duplicate</Table.Th>
                    <Table.Th ta="right">Rejected</Table.Th>
                    <Table.Th>
                      <VisuallyHidden>Open</VisuallyHidden>
                    </Table.Th>
                  </Table.Tr>
                </Table.Thead>
                <Table.Tbody>
                  {page.items.map((each) => (
                    <Table.Tr key={each.import_id}>
                      <Table.Td>
                        <Time at={each.created_at} />
                      </Table.Td>
                      <Table.Td>
                        <Group gap="xs" wrap="nowrap" miw={130}>
                          <ImportStateBadge state={each.state} />
                          {each.dry_run ? (
                            <Text size="sm" c="dimmed">
                              trial
                            </Text>
                          ) : null}
                        </Group>
                      </Table.Td>
                      {[each.accepted, each.duplicate, each.rejected].map((some, index) => (
                        <Table.Td key={index} ta="right" className="number">
                          {count(some)}
                        </Table.Td>
                      ))}
                      <Table.Td ta="right">
                        <Button variant="subtle" size="compact-sm" onClick={() => onShow(each.import_id)}>
                          Look at it
                        </Button>
                      </Table.Td>
                    </Table.Tr>
                  ))}
                </Table.Tbody>
              </Table>
            </Table.ScrollContainer>
          </section>
        )
      }
    </Answer>
  )
}
