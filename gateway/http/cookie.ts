// The prefix makes browsers keep it to this host alone, and only over TLS.
const name = '__Host-taxlink'
const form = /^[A-Za-z0-9_-]{43}$/

/** The token of a session in the cookies of a request; undefined where there is none of ours, or more than one. */
export const tokenIn = (header: string | undefined): string | undefined => {
  const found = (header ?? '')
    .split(';')
    .map(part => part.trim())
    .filter(part => part.startsWith(`${name}=`))
  const token = found[0]?.slice(name.length + 1)
  return found.length === 1 && token !== undefined && form.test(token) ? token : undefined
}

/** The cookie that holds it: out of reach of scripts, never sent from another site. */
export const cookieOf = (token: string): string => `${name}=${token}; Path=/; Secure; HttpOnly; SameSite=Strict`

/** What takes it away again. */
export const noCookie = `${name}=; Path=/; Secure; HttpOnly; SameSite=Strict; Max-Age=0`
