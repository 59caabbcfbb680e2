import { Conflict, Invalid, type KnitError, NotFound, Unavailable } from '@knitfab/core';
import type { Status } from 'kubernetes-types/meta/v1.js';

/** The resource version that a watch or a page was to go on from is not known any more: everything is to be listed again. */
export class Expired extends Unavailable {}

/** Not permitted to this process, or not by a quota or a policy. */
export class Forbidden extends Unavailable {}

/**
 * What a refusal of the Kubernetes API is to the rest of the system. Source: Kubernetes, API Conventions, "Response Status Kind".
 * @param what what was asked for, such as `create the Job worker-run-…`
 */
export function apiError(what: string, code: number, body: unknown): KnitError {
  const { message = `it answered ${code}`, reason: kind } = (isStatus(body) ? body : {}) as Partial<Status>;
  const reason = `Kubernetes refused to ${what}: ${message}`;
  switch (code) {
    case 400:
    case 422:
      return new Invalid(reason);
    case 401:
      return new Unavailable({ reason, advice: 'Its credentials may have expired: renew them.' });
    case 403:
      return new Forbidden({ reason, ...forbidden(message) });
    case 404:
      return new NotFound(reason);
    case 409:
      return new Conflict(reason);
    case 410:
      return new Expired(reason);
    default:
      return kind === 'Expired' ? new Expired(reason) : new Unavailable(reason);
  }
}

/** A 403 is for want of a permission, which is named, or of quota, or by a policy; the message says which. */
function forbidden(message: string): { advice?: string } {
  const denied = /User "([^"]+)" cannot (\w+) resource "([^"]+)"(?: in API group "([^"]*)")?/.exec(message);
  if (denied === null) return {};
  const [, user, verb, resource, group] = denied;
  return {
    advice: `Give ${user} a Role that allows "${verb}" on "${resource}"${group ? ` of the API group "${group}"` : ''}.`,
  };
}

const isStatus = (body: unknown): body is Status =>
  typeof body === 'object' && body !== null && (body as Status).kind === 'Status';
