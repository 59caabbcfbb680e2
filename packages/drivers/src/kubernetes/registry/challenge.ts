/** How a registry wants to be asked. Source: RFC 7235; distribution, "Token Authentication Specification". */
export type Challenge =
  | { readonly scheme: 'basic' }
  | { readonly scheme: 'bearer'; readonly realm: string; readonly service?: string };

/** The challenge of a header `WWW-Authenticate` that this system can answer. */
export function parseChallenge(header: string | undefined): Challenge | undefined {
  const [, scheme, rest = ''] = /^\s*(basic|bearer)\b(.*)$/i.exec(header ?? '') ?? [];
  if (scheme === undefined) return undefined;
  if (scheme.toLowerCase() === 'basic') return { scheme: 'basic' };
  const parameters = new Map<string, string>();
  for (const [, name = '', quoted, bare] of rest.matchAll(/([\w-]+)\s*=\s*(?:"([^"]*)"|([^\s,"]+))/g))
    parameters.set(name.toLowerCase(), quoted ?? bare ?? '');
  const [realm, service] = [parameters.get('realm'), parameters.get('service')];
  if (realm === undefined) return undefined;
  return { scheme: 'bearer', realm, ...(service !== undefined && { service }) };
}
