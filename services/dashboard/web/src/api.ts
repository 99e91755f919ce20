// The three public APIs through the gateway: typed clients, problems as errors, and reads that see one's own writes.
import { QueryCache, QueryClient, useQueryClient } from '@tanstack/react-query'
import createFetchClient, { type Middleware } from 'openapi-fetch'
import createQueryClient from 'openapi-react-query'
import { useCallback, useRef, useState } from 'react'
import type { paths as FiguresPaths, components as FiguresParts } from './openapi/analytics-projector'
import type { paths as CommandPaths, components as CommandParts } from './openapi/campaign-command'
import type { paths as DialerPaths, components as DialerParts } from './openapi/dialer'

export type Figures = FiguresParts['schemas']
export type Command = CommandParts['schemas']
export type Dialer = DialerParts['schemas']

export type FieldError = { field: string; message: string; value?: unknown }

/** What went wrong, as the API said it (RFC 9457), or status 0 when nothing answered at all. */
export class Problem extends Error {
  readonly status: number
  readonly code: string
  readonly detail: string
  readonly errors: FieldError[]
  readonly retryAfterSeconds: number | null
  /** Everything else the problem carries: `allowed`, `missing`, counts … */
  readonly extra: Record<string, unknown>

  constructor(status: number, body: Record<string, unknown>, retryAfterSeconds: number | null = null) {
    super(String(body.detail ?? `The server answered ${status}.`))
    this.name = 'Problem'
    this.status = status
    this.code = String(body.code ?? 'unknown')
    this.detail = this.message
    this.errors = Array.isArray(body.errors) ? (body.errors as FieldError[]) : []
    this.retryAfterSeconds = retryAfterSeconds
    this.extra = body
  }

  /** Nobody knows whether the request was carried out: ask again with the same idempotency key. */
  get isUnknown(): boolean {
    return this.status === 0 || this.status >= 500
  }
}

/** The error of a query or a promise, whatever its declared type. */
export const asProblem = (error: unknown): Problem => (error instanceof Problem ? error : unreachable())

export const unreachable = (): Problem =>
  new Problem(0, { code: 'unreachable', detail: 'The server can’t be reached.' })

export async function problemOf(response: Response): Promise<Problem> {
  const body: unknown = await response.json().catch(() => null)
  const after = Number(response.headers.get('retry-after'))
  const isObject = typeof body === 'object' && body !== null
  return new Problem(response.status, isObject ? (body as Record<string, unknown>) : {}, after > 0 ? after : null)
}

// --- reads that see one's own writes -------------------------------------------------------------------------------

const REMEMBER_MS = 60_000 // by then the read side has long caught up
const written = new Map<string, { position: number; at: number }>()

/** From now on, reads of this campaign and of the list wait until they show this position. */
export function remember(campaignId: string, position: number): void {
  const known = written.get(campaignId)
  written.delete(campaignId) // the last one written is the last of the map
  written.set(campaignId, { position: Math.max(position, known?.position ?? 0), at: Date.now() })
}

function lastWritten(campaignId?: string): [string, number] | null {
  for (const [id, { at }] of written) if (Date.now() - at > REMEMBER_MS) written.delete(id)
  const id = campaignId ?? [...written.keys()].at(-1)
  const found = id === undefined ? undefined : written.get(id)
  return id !== undefined && found ? [id, found.position] : null
}

const seesOwnWrites: Middleware = {
  onRequest({ request, schemaPath, params }) {
    const isList = schemaPath === '/v1/campaigns'
    if (!isList && !schemaPath.startsWith('/v1/campaigns/{campaign_id}')) return undefined
    const found = lastWritten(isList ? undefined : String(params.path?.campaign_id))
    if (!found) return undefined
    const url = new URL(request.url)
    url.searchParams.set('min_position', String(found[1]))
    if (isList) url.searchParams.set('campaign_id', found[0])
    return new Request(url, request)
  },
}

const remembersWrites: Middleware = {
  async onResponse({ request, response, schemaPath, params }) {
    if (request.method === 'GET' || !response.headers.get('content-type')?.includes('json')) return undefined
    const body = (await response.clone().json()) as { id?: unknown; position?: unknown }
    const makesOne = schemaPath === '/v1/campaigns' || schemaPath.endsWith('/duplicate')
    const campaign = makesOne ? body.id : params.path?.campaign_id
    if (typeof body.position === 'number' && typeof campaign === 'string') remember(campaign, body.position)
    return undefined
  },
}

// --- clients ---------------------------------------------------------------------------------------------------------

const listeners = new Set<() => void>()

/** Tells when an API no longer accepts the session. */
export function onSignedOut(listener: () => void): () => void {
  listeners.add(listener)
  return () => listeners.delete(listener)
}

const throwsProblems: Middleware = {
  async onResponse({ response }) {
    if (response.ok) return undefined
    if (response.status === 401) listeners.forEach((tell) => tell())
    throw await problemOf(response)
  },
  onError({ error }) {
    if (error instanceof Problem || (error instanceof DOMException && error.name === 'AbortError')) return undefined
    return unreachable()
  },
}

function client<Paths extends object>(service: string, ...more: Middleware[]) {
  const made = createFetchClient<Paths>({ baseUrl: `${location.origin}/api/${service}` })
  made.use(...more, throwsProblems) // the last one sees an answer first
  return made
}

/** Commands: campaigns, contacts, imports, do-not-call, the workspace. */
export const command = client<CommandPaths>('campaign-command', remembersWrites)
/** Reads: the campaign list, a campaign, its analytics. */
export const figures = client<FiguresPaths>('analytics-projector', seesOwnWrites)
/** Calls: history, live state. */
export const dialer = client<DialerPaths>('dialer')

/** The same, as queries: `figuresQuery.useQuery('get', '/v1/campaigns/{campaign_id}', {params: {path: {…}}})`. */
export const commandQuery = createQueryClient(command)
export const figuresQuery = createQueryClient(figures)
export const dialerQuery = createQueryClient(dialer)

// --- queries ---------------------------------------------------------------------------------------------------------

const REPAIR_MS = 5_000

/** Failed reads are tried again at once, and then every few seconds until they work: a page mends itself. */
export const makeQueryClient = (onSuccess: (queryKey: readonly unknown[]) => void): QueryClient =>
  new QueryClient({
    queryCache: new QueryCache({ onSuccess: (_, query) => onSuccess(query.queryKey) }),
    defaultOptions: {
      queries: {
        networkMode: 'always',
        staleTime: 5_000,
        retry: (failures, error) => !(error instanceof Problem) || (error.isUnknown && failures < 2),
        retryDelay: (failures, error) =>
          1000 * ((error instanceof Problem ? error.retryAfterSeconds : null) ?? 0.5 * 2 ** failures),
        refetchInterval: (query) =>
          query.state.error instanceof Problem && query.state.error.isUnknown ? REPAIR_MS : false,
      },
    },
  })

// --- commands --------------------------------------------------------------------------------------------------------

export type Firing<Input> = {
  /** Sends it, unless it is already on its way. Resolves to whether it was carried out. */
  fire: (input: Input) => Promise<boolean>
  isBusy: boolean
  problem: Problem | null
  clear: () => void
}

/**
 * A command that is sent once however often it is clicked. `key` is its idempotency key: a retry after an unknown end
 * (no answer, 5xx) repeats the key, so nothing happens twice. Afterwards every read on the page is made anew, and
 * waits for the command's position.
 */
export function useCommand<Input = void, Output = unknown>(
  run: (input: Input, key: string) => Promise<{ data?: Output }>,
  done?: (output: Output, input: Input) => unknown,
): Firing<Input> {
  const queryClient = useQueryClient()
  const [isBusy, setBusy] = useState(false)
  const [problem, setProblem] = useState<Problem | null>(null)
  const busy = useRef(false)
  const unsure = useRef<{ input: string; key: string } | null>(null)
  const fire = async (input: Input): Promise<boolean> => {
    if (busy.current) return false
    busy.current = true
    setBusy(true)
    setProblem(null)
    const text = JSON.stringify(input) ?? ''
    const key = unsure.current?.input === text ? unsure.current.key : crypto.randomUUID()
    try {
      const { data } = await run(input, key)
      unsure.current = null
      await done?.(data as Output, input)
      void queryClient.invalidateQueries()
      return true
    } catch (error) {
      const found = error instanceof Problem ? error : unreachable()
      unsure.current = found.isUnknown ? { input: text, key } : null
      setProblem(found)
      if (!(error instanceof Problem)) console.error(error)
      return false
    } finally {
      busy.current = false
      setBusy(false)
    }
  }
  const clear = useCallback(() => setProblem(null), [])
  return { fire, isBusy, problem, clear }
}
