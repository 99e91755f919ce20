// What the page says when something goes wrong: what happened, and what to do now.
import { Alert, Button, Group, List, Loader, Skeleton, Stack, Text } from '@mantine/core'
import { useTimeout } from '@mantine/hooks'
import { useState, type ReactNode } from 'react'
import { asProblem, type Problem } from './api'

type Advice = { title: string; advice: string | null; tone: 'red' | 'yellow' }

function adviceOn(problem: Problem): Advice {
  const { status, code } = problem
  if (status === 0)
    return { title: 'No connection', advice: 'Check your network. This page tries again by itself.', tone: 'yellow' }
  if (code === 'not_caught_up')
    return { title: 'The figures are catching up', advice: 'Your change is saved. This page tries again by itself.', tone: 'yellow' }
  if (status === 503 || status === 502)
    return { title: 'A service is away', advice: 'Nothing is lost. This page tries again by itself.', tone: 'yellow' }
  if (status === 504)
    return { title: 'No answer in time', advice: 'It may have been carried out: look before you repeat it.', tone: 'yellow' }
  if (status >= 500)
    return { title: 'Something went wrong on the server', advice: 'It has been logged there. Try again in a moment.', tone: 'red' }
  if (status === 412)
    return { title: 'Somebody else has changed this meanwhile', advice: 'Reload to see their change, then make yours again.', tone: 'yellow' }
  if (status === 409) return { title: 'That isn’t possible now', advice: allowedNow(problem), tone: 'yellow' }
  if (status === 422 || status === 400)
    return { title: 'Please correct this', advice: null, tone: 'red' }
  if (status === 403) return { title: 'Your role does not allow this', advice: 'Ask somebody with a higher role.', tone: 'yellow' }
  if (status === 404) return { title: 'Not found', advice: 'It may have been deleted, or belongs to another workspace.', tone: 'yellow' }
  if (status === 413) return { title: 'Too large', advice: 'Send it in smaller parts.', tone: 'red' }
  if (status === 401) return { title: 'Your session has ended', advice: 'Sign in again.', tone: 'yellow' }
  return { title: 'That did not work', advice: 'Try again in a moment.', tone: 'red' }
}

function allowedNow(problem: Problem): string | null {
  const { allowed } = problem.extra
  return Array.isArray(allowed) && allowed.length > 0 ? `Possible now: ${allowed.join(', ')}.` : null
}

/** A problem in place. `retry`: what its button does. */
export function Trouble({ error, retry }: { error: unknown; retry?: () => unknown }) {
  const problem = asProblem(error)
  const { title, advice, tone } = adviceOn(problem)
  return (
    <Alert color={tone} variant="light" title={title} role="alert" data-code={problem.code}>
      <Stack gap={6}>
        {problem.errors.length > 0 ? (
          <List size="md" spacing={2}>
            {problem.errors.map((wrong) => (
              <List.Item key={`${wrong.field} ${wrong.message}`}>
                <b>{wrong.field}</b>: {wrong.message}
              </List.Item>
            ))}
          </List>
        ) : (
          <Text>{problem.detail}</Text>
        )}
        {advice ? <Text c="dimmed">{advice}</Text> : null}
        {retry ? (
          <Group>
            <Button size="compact-sm" variant="default" onClick={() => void retry()}>
              {problem.status === 412 ? 'Reload' : 'Try again'}
            </Button>
          </Group>
        ) : null}
      </Stack>
    </Alert>
  )
}

const SLOW_MS = 4_000

/** While the first answer is on its way; says so when it takes long. */
export function Loading({ rows = 5 }: { rows?: number }) {
  const [slow, setSlow] = useState(false)
  useTimeout(() => setSlow(true), SLOW_MS, { autoInvoke: true })
  return (
    <Stack gap="sm" p="md" role="status" aria-label="Loading">
      {slow ? (
        <Group gap="xs">
          <Loader size="xs" />
          <Text c="dimmed">The server is slow to answer; still waiting…</Text>
        </Group>
      ) : null}
      {Array.from({ length: rows }, (_, row) => (
        <Skeleton key={row} height={18} width={`${95 - ((row * 13) % 30)}%`} />
      ))}
    </Stack>
  )
}

type Query<Data> = { data: Data | undefined; error: unknown; refetch: () => unknown }

/**
 * A query's data, or its loading, or its trouble. What was read before stays on the page while a later read fails, with
 * the trouble above it.
 */
export function Answer<Data>({
  of: { data, error, refetch },
  rows,
  children,
}: {
  of: Query<Data>
  rows?: number
  children: (data: Data) => ReactNode
}) {
  return (
    <>
      {error ? <Trouble error={error} retry={refetch} /> : null}
      {data === undefined ? error ? null : <Loading rows={rows} /> : children(data)}
    </>
  )
}
