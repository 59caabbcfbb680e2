// Source: Kubernetes, "Object Names and IDs" and "Labels and Selectors", syntax and character set.

/** The name of a label or resource, and what a label's value may be: at most 63 characters. */
export const simpleName = '[A-Za-z0-9](?:[-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?';

/** A DNS subdomain (RFC 1123); how long it is, at most 253 characters, is to be checked apart. */
export const dnsSubdomain = '[a-z0-9](?:[-a-z0-9]*[a-z0-9])?(?:\\.[a-z0-9](?:[-a-z0-9]*[a-z0-9])?)*';

/** A simple name that may have a DNS subdomain and `/` before it, such as `nvidia.com/gpu`. */
export const qualifiedName = `(?:(?=[^/]{1,253}/)${dnsSubdomain}/)?${simpleName}`;
