import { Alert, Button, Center, Divider, Paper, PasswordInput, Stack, Text, Title } from '@mantine/core'
import { useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { asProblem, type Problem } from './api'
import { signIn } from './session'

/** Signing in with a token; on a stack of one's own machine, with one click. */
export function SignIn({ local, again = false }: { local: boolean; again?: boolean }) {
  const queryClient = useQueryClient()
  const [token, setToken] = useState('')
  const [busy, setBusy] = useState<'local' | 'token' | null>(null)
  const [problem, setProblem] = useState<Problem | null>(null)
  const enter = async (way: 'local' | 'token'): Promise<void> => {
    if (busy) return
    setBusy(way)
    setProblem(null)
    try {
      await signIn(queryClient, way === 'local' ? null : token)
    } catch (error) {
      setProblem(asProblem(error))
    }
    setBusy(null)
  }
  return (
    <Stack gap="md">
      {again ? <Text>Your session has ended. Sign in again: what you were doing stays as it is.</Text> : null}
      {problem ? (
        <Alert color="red" variant="light" role="alert" title="Not signed in">
          {problem.detail}
        </Alert>
      ) : null}
      {local ? (
        <>
          <Button fullWidth loading={busy === 'local'} onClick={() => void enter('local')} data-autofocus>
            Sign in to this machine’s stack
          </Button>
          <Divider label="or with a token" labelPosition="center" />
        </>
      ) : null}
      <form
        onSubmit={(event) => {
          event.preventDefault()
          void enter('token')
        }}
      >
        <Stack gap="sm">
          <PasswordInput
            label="Access token"
            description="A bearer token of the APIs, with your workspace and role"
            autoComplete="off"
            required
            value={token}
            onChange={(event) => setToken(event.currentTarget.value)}
            visibilityToggleButtonProps={{ 'aria-label': 'Show the token' }}
          />
          <Button type="submit" variant={local ? 'default' : 'filled'} loading={busy === 'token'}>
            Sign in
          </Button>
        </Stack>
      </form>
    </Stack>
  )
}

export function SignInPage({ local }: { local: boolean }) {
  return (
    <Center mih="100dvh" p="md" component="main">
      <Paper p="xl" w={400} maw="100%" className="surface" shadow="sm">
        <Stack gap="lg">
          <div>
            <Title order={1}>Calling campaigns</Title>
            <Text c="dimmed">Sign in to run and follow your campaigns.</Text>
          </div>
          <SignIn local={local} />
        </Stack>
      </Paper>
    </Center>
  )
}
