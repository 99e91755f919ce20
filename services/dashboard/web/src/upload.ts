// Sends a file with its progress, which fetch doesn't tell.
import { Problem, unreachable } from './api'

export type Upload<Output> = { result: Promise<Output>; cancel: () => void }
export class UploadCancelled extends Error {}

/** POSTs a file; `onProgress` gets the part that is sent, from 0 to 1. */
export function upload<Output>(
  url: string,
  file: File,
  headers: Record<string, string>,
  onProgress: (sent: number) => void,
): Upload<Output> {
  const request = new XMLHttpRequest()
  const result = new Promise<Output>((resolve, reject) => {
    request.upload.onprogress = (event) => event.lengthComputable && onProgress(event.loaded / event.total)
    request.onload = () => {
      const body = parsed(request.responseText)
      if (request.status >= 200 && request.status < 300) resolve(body as Output)
      else reject(new Problem(request.status, body, Number(request.getResponseHeader('retry-after')) || null))
    }
    request.onerror = () => reject(unreachable())
    request.onabort = () => reject(new UploadCancelled())
  })
  request.open('POST', url)
  for (const [name, value] of Object.entries(headers)) request.setRequestHeader(name, value)
  request.send(file)
  return { result, cancel: () => request.abort() }
}

function parsed(text: string): Record<string, unknown> {
  try {
    const body: unknown = JSON.parse(text)
    return typeof body === 'object' && body !== null ? (body as Record<string, unknown>) : {}
  } catch {
    return {}
  }
}

/** What a contact file is sent as. */
export const contentType = (file: File): string => (/\.gz$/i.test(file.name) ? 'application/gzip' : 'text/csv')
