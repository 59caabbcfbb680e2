import { X509Certificate } from 'node:crypto';
import { Invalid } from '@knitfab/core';

/** How to reach a server: what a knitprofile file and the profile store hold. */
export interface Profile {
  /** Such as `https://knitfab.example.com:30803/api` */
  readonly apiRoot: string;
  readonly cert?: {
    /** Certificate authority of the server: PEM, in Base64. */
    readonly ca?: string;
  };
}

/**
 * Checks a profile.
 * @param place where it stands, for messages
 * @throws {Invalid} when it is none
 */
export function checkedProfile(value: unknown, place: string): Profile {
  const { apiRoot, cert } = (typeof value === 'object' && value !== null ? value : {}) as Record<
    string,
    unknown
  >;
  if (typeof apiRoot !== 'string' || !isHttpUrl(apiRoot)) {
    throw new Invalid({
      reason: `${place} has no apiRoot that is an address`,
      advice: 'A profile is YAML such as: apiRoot: https://knitfab.example.com:30803/api',
    });
  }
  const ca = typeof cert === 'object' && cert !== null ? (cert as { ca?: unknown }).ca : undefined;
  if (ca === undefined || ca === null || ca === '') return { apiRoot };
  if (typeof ca !== 'string' || !isCertificate(ca)) {
    throw new Invalid({
      reason: `${place} has a cert.ca that is not a certificate`,
      advice: 'It has to be a certificate in PEM, encoded with Base64 on one line.',
    });
  }
  return { apiRoot, cert: { ca } };
}

/** The certificate authority of a profile, as PEM. */
export const certificateAuthority = ({ cert }: Profile): Buffer | undefined =>
  cert?.ca === undefined ? undefined : Buffer.from(cert.ca, 'base64');

function isHttpUrl(text: string): boolean {
  const url = URL.parse(text);
  return url !== null && (url.protocol === 'http:' || url.protocol === 'https:');
}

function isCertificate(base64: string): boolean {
  try {
    return new X509Certificate(Buffer.from(base64, 'base64')).raw.length > 0;
  } catch {
    return false;
  }
}
