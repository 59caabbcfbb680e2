import { request as httpRequest, type IncomingMessage } from 'node:http';
import { request as httpsRequest } from 'node:https';

export interface Asked {
  readonly headers: Readonly<Record<string, string>>;
  /** A form to send: then it is a POST. */
  readonly form?: URLSearchParams;
  /** PEM of the authorities to trust. */
  readonly authorities: readonly string[] | undefined;
  /** How many bytes the answer may have. */
  readonly limit: number;
  readonly signal: AbortSignal;
}

export interface Answer {
  readonly status: number;
  readonly headers: IncomingMessage['headers'];
  readonly body: Buffer;
}

const mostRedirections = 5;

/**
 * Asks and reads the whole answer. Redirections are followed; credentials go to no other host, and nothing goes from HTTPS to HTTP.
 * @throws {Error} when there is no answer, or too much of one
 */
export async function httpsGet(url: URL, asked: Asked): Promise<Answer> {
  let [place, { headers }] = [url, asked];
  for (let left = mostRedirections; ; left--) {
    const answer = await ask(place, { ...asked, headers });
    const { location } = answer.headers;
    if (![301, 302, 303, 307, 308].includes(answer.status) || location === undefined) return answer;
    if (left === 0) throw new Error(`${url.host} redirects without end`);
    const next = new URL(location, place);
    if (place.protocol === 'https:' && next.protocol !== 'https:')
      throw new Error(`${url.host} redirects to ${next.protocol}//${next.host}, which is not safe`);
    if (next.host !== place.host) {
      const { authorization: _, ...others } = headers;
      headers = others;
    }
    place = next;
  }
}

async function ask(url: URL, { headers, form, authorities, limit, signal }: Asked): Promise<Answer> {
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    const options = {
      method: form === undefined ? 'GET' : 'POST',
      headers: { ...headers, ...(form && { 'content-type': 'application/x-www-form-urlencoded' }) },
      agent: false,
      signal,
    };
    const sent =
      url.protocol === 'https:'
        ? httpsRequest(url, { ...options, ...(authorities && { ca: [...authorities] }) }, resolve)
        : httpRequest(url, options, resolve);
    sent.once('error', reject).end(form?.toString());
  });
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    length += chunk.length;
    if (length > limit) throw new Error(`${url.host} answers with more than ${limit} bytes`);
    chunks.push(chunk);
  }
  return { status: response.statusCode ?? 0, headers: response.headers, body: Buffer.concat(chunks) };
}
