import { Unavailable } from '@knitfab/core';
import { proxyInWords } from './proxy.ts';

const causes: Record<string, string> = {
  ECONNREFUSED: 'nothing listens there',
  ENOTFOUND: 'there is no such host',
  EAI_AGAIN: 'the name of the host can not be looked up',
  EHOSTUNREACH: 'there is no way to the host',
  ENETUNREACH: 'there is no way to the network',
  ETIMEDOUT: 'there was no answer in time',
  ERR_PROXY_TUNNEL: 'the proxy did not let the connection through',
  ERR_PROXY_INVALID_CONFIG: 'the proxy that the environment names is none',
};

const cutOff = new Set(['ECONNRESET', 'EPIPE', 'ERR_STREAM_PREMATURE_CLOSE']);

/** What TLS finds wrong with a certificate (OpenSSL's names), and what to do about it. */
const certificateAdvice: Record<string, string> = {
  CERT_HAS_EXPIRED:
    'Ask its administrator to renew it. Is the clock of this machine right? If the profile is old: knit init KNITPROFILE_FILE, with a new one.',
  CERT_NOT_YET_VALID: 'Is the clock of this machine right?',
  ERR_TLS_CERT_ALTNAME_INVALID: 'Use a host name that the certificate names as apiRoot in the profile.',
};
const untrustedAdvice =
  'Give the certificate authority of the server in the profile (cert.ca): knit init KNITPROFILE_FILE, with the file that its administrator hands out.';
const isUntrusted = (code: string): boolean =>
  /^(CERT_|UNABLE_TO_|DEPTH_ZERO_|SELF_SIGNED_|INVALID_CA|ERR_TLS_CERT)/.test(code);

/** Says why a server can't be reached, and what to do. */
export function unreachable(apiRoot: string, error: NodeJS.ErrnoException): Unavailable {
  const code = error.code ?? '';
  const unavailable = (reason: string, ...advice: (string | undefined)[]) =>
    new Unavailable({ reason, advice: advice.filter((line) => line !== undefined).join('\n'), cause: error });
  if (isUntrusted(code)) {
    return unavailable(
      `the certificate of ${apiRoot} is not trusted: ${error.message}`,
      certificateAdvice[code] ?? untrustedAdvice,
    );
  }
  if (cutOff.has(code)) {
    return unavailable(
      `the connection to ${apiRoot} was cut off`,
      'Does the server still run? Then try again.',
      proxyInWords(apiRoot),
    );
  }
  if (code === 'EPROTO' || code.startsWith('ERR_SSL_')) {
    return unavailable(
      `${apiRoot} does not speak TLS as this command does: ${error.message.split('\n')[0]}`,
      'Does apiRoot in the profile have to begin with http:// instead of https://?',
    );
  }
  if (code.startsWith('HPE_')) {
    return unavailable(
      `what ${apiRoot} answers is not HTTP: ${error.message}`,
      'Is apiRoot in the profile right? Does it have to begin with https:// instead of http://?',
    );
  }
  return unavailable(
    `can't reach the server at ${apiRoot}: ${causes[code] ?? error.message}`,
    'Is it running? Start one on this machine with `knit up`, or check apiRoot in the profile.',
    proxyInWords(apiRoot),
  );
}
