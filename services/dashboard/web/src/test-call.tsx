// Trying a campaign out: its agent rings a number of one's own, and what happens is shown here.
import { Button, Group, Modal, Stack, Text, TextInput } from '@mantine/core'
import { useState } from 'react'
import { dialer, dialerQuery, useCommand, type Dialer, type Figures } from './api'
import { CallState } from './call-details'
import { Answer, Trouble } from './trouble'

type Props = { campaign: Figures['Campaign']; onClose: () => void }

export function TestCall({ campaign, onClose }: Props) {
  const [number, setNumber] = useState('')
  const [callId, setCallId] = useState<string | null>(null)
  const place = useCommand(
    (to: string, key) =>
      dialer.POST('/v1/test-calls', {
        params: { header: { 'idempotency-key': key } },
        body: { campaign_id: campaign.id, number: to },
      }),
    (call: Dialer['CallRecord']) => setCallId(call.id),
  )
  const wrong = place.problem?.errors.find((each) => each.field.includes('number'))
  return (
    <Modal opened onClose={onClose} title="Test call">
      <form
        onSubmit={(event) => {
          event.preventDefault()
          void place.fire(number.replace(/[\s()./-]/g, ''))
        }}
      >
        <Stack gap="md">
          <Text c="dimmed">
            The campaign’s agent rings this number now, whatever the hours. Nothing is counted; the call is in the call
            history, marked as a test. At most 5 in a minute.
          </Text>
          <TextInput
            label="Your own number"
            description="International, such as +49 30 23125000"
            type="tel"
            inputMode="tel"
            autoComplete="tel"
            data-autofocus
            required
            value={number}
            onChange={(event) => setNumber(event.currentTarget.value)}
            error={wrong?.message}
          />
          {place.problem && !wrong ? <Trouble error={place.problem} /> : null}
          {callId ? <Watched callId={callId} /> : null}
          <Group justify="flex-end" gap="xs">
            <Button variant="default" onClick={onClose}>
              Close
            </Button>
            <Button type="submit" loading={place.isBusy} disabled={number.trim() === ''}>
              {callId ? 'Call again' : 'Call now'}
            </Button>
          </Group>
        </Stack>
      </form>
    </Modal>
  )
}

function Watched({ callId }: { callId: string }) {
  const call = dialerQuery.useQuery(
    'get',
    '/v1/calls/{call_id}',
    { params: { path: { call_id: callId } } },
    { refetchInterval: (query) => (query.state.data?.status === 'settled' ? false : 1_000) },
  )
  return (
    <Answer of={call} rows={1}>
      {(record) => (
        <Group gap="sm" role="status" aria-label="The test call">
          <CallState call={record} />
        </Group>
      )}
    </Answer>
  )
}
