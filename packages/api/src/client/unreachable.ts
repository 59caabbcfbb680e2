import { Unavailable } from '@knitfab/core';

const causes: Record<string, string> = {
  ECONNREFUSED: 'nothing listens there',
  ENOTFOUND: 'there is no such host',
  EAI_AGAIN: 'the name of the host can not be looked up',
  EHOSTUNREACH: 'there is no way to the host',
  ENETUNREACH: 'there is no way to the network',
  ETIMEDOUT: 'there was no answer in time',
};

const cutOff = new Set(['ECONNRESET', 'EPIPE', 'ERR_STREAM_PREMATURE_CLOSE']);

const untrusted = new Set([
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'CERT_HAS_EXPIRED',
  'ERR_TLS_CERT_ALTNAME_INVALID',
]);

/** Says why a server can't be reached, and what to do. */
export function unreachable(apiRoot: string, error: NodeJS.ErrnoException): Unavailable {
  const code = error.code ?? '';
  if (untrusted.has(code)) {
    return new Unavailable({
      reason: `the certificate of ${apiRoot} is not trusted: ${error.message}`,
      advice:
        'Give the certificate authority in the profile (cert.ca), and the host name that the certificate names.',
      cause: error,
    });
  }
  if (cutOff.has(code)) {
    return new Unavailable({
      reason: `the connection to ${apiRoot} was cut off`,
      advice: 'Does the server still run? Then try again.',
      cause: error,
    });
  }
  return new Unavailable({
    reason: `can't reach the server at ${apiRoot}: ${causes[code] ?? error.message}`,
    advice: 'Is it running? Start one on this machine with `knit up`, or check apiRoot in the profile.',
    cause: error,
  });
}
