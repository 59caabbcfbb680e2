/** Names that mean this machine: no proxy stands before it. */
const loopback = /^(localhost|127(\.\d+){3}|0\.0\.0\.0|\[::1?\])$/i;

/**
 * What the environment says of proxies (`HTTP_PROXY`, `HTTPS_PROXY`, `NO_PROXY`, in capitals or small letters), for Node's
 * agents; nothing for a server of this machine, as other programs do it.
 */
export const proxyEnvironment = (apiRoot: string): NodeJS.ProcessEnv | undefined =>
  loopback.test(new URL(apiRoot).hostname) ? undefined : process.env;

/** The proxy that may have been asked, with the variable that names it, for messages. */
export function proxyInWords(apiRoot: string): string | undefined {
  const environment = proxyEnvironment(apiRoot);
  const name = apiRoot.startsWith('https:') ? 'https_proxy' : 'http_proxy';
  const variable = [name, name.toUpperCase()].find((each) => environment?.[each]);
  if (variable === undefined) return undefined;
  const host = URL.parse(environment?.[variable] ?? '')?.host ?? 'which is no address';
  return `The proxy ${host} is asked for it (${variable}); NO_PROXY names hosts that need none.`;
}
