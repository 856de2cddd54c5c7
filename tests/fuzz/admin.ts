import type { Person, World } from '../support/world.ts'

/** Registers somebody on a running stack. @returns a client like the one that tests have for the API in their process */
export const signUp = async (
  url: string,
): Promise<Pick<Person, 'email' | 'accessToken' | 'projectId' | 'userId'> & Pick<World, 'http'>> => {
  const http: World['http'] = async (method, path, { token, body, headers = {} } = {}) => {
    const isRaw = Buffer.isBuffer(body)
    const answer = await fetch(`${url}${path}`, {
      method,
      headers: {
        ...(body !== undefined && !isRaw && { 'content-type': 'application/json' }),
        ...(token && { authorization: `Bearer ${token}` }),
        ...(headers as Record<string, string>),
      },
      ...(body !== undefined && { body: isRaw ? new Uint8Array(body) : JSON.stringify(body) }),
    })
    if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${await answer.text()}`)
    return { status: answer.status, headers: Object.fromEntries(answer.headers), body: await answer.json() }
  }
  const person = { email: 'ada@example.com', password: 'correct horse battery', name: 'Ada' }
  const { body } = await http('POST', '/auth/register', { body: person })
  const { accessToken: token, user } = body
  const projects = await http('GET', '/projects', { token })
  return { http, email: user.email, userId: user.id, accessToken: token, projectId: projects.body.items[0].id }
}
